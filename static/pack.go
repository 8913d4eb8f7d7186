package static

import (
	"path"
	"strings"

	"github.com/evanw/esbuild/pkg/api"
)

// bundle makes one module of app.js and all that it imports: a browser would learn of each only after it has read the
// one that imports it, and one file of twenty compresses to half of what they do. Where that fails, a test says so, and
// app.js goes as it is: what it imports is in the tree.
func bundle(tree map[string]*file, raw []byte) []byte {
	made := build(tree)
	if len(made.Errors) > 0 || len(made.OutputFiles) != 1 {
		return raw
	}
	return made.OutputFiles[0].Contents
}

func build(tree map[string]*file) api.BuildResult {
	return api.Build(api.BuildOptions{
		EntryPoints: []string{appJS}, Bundle: true, Format: api.FormatESModule, Target: api.ES2022,
		MinifyWhitespace: true, MinifyIdentifiers: true, MinifySyntax: true,
		Plugins: []api.Plugin{{Name: "embedded", Setup: func(b api.PluginBuild) {
			b.OnResolve(api.OnResolveOptions{Filter: ".*"}, func(args api.OnResolveArgs) (api.OnResolveResult, error) {
				name := args.Path
				if strings.HasPrefix(name, "./") {
					name = path.Join(path.Dir(args.Importer), name)
				}
				return api.OnResolveResult{Path: name, Namespace: "embedded"}, nil
			})
			b.OnLoad(api.OnLoadOptions{Filter: ".*", Namespace: "embedded"}, func(args api.OnLoadArgs) (api.OnLoadResult, error) {
				f := tree[args.Path]
				if f == nil {
					return api.OnLoadResult{Errors: []api.Message{{Text: "there is no " + args.Path}}}, nil
				}
				text := string(f.raw)
				return api.OnLoadResult{Contents: &text, Loader: api.LoaderJS}, nil
			})
		}}},
	})
}

func packCSS(raw []byte) []byte {
	made := api.Transform(string(raw), api.TransformOptions{Loader: api.LoaderCSS, MinifyWhitespace: true, MinifySyntax: true})
	if len(made.Errors) > 0 {
		return raw
	}
	return made.Code
}
