package browser

import (
	"bytes"
	"cmp"
	"context"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"autocrm/store"

	"github.com/chromedp/chromedp"
)

// TestScreenshots makes the README's pictures from the demo, for `make screenshots`: each portal, light on one
// side and dark on the other.
func TestScreenshots(t *testing.T) {
	dir := os.Getenv("AUTOCRM_SCREENSHOTS")
	if dir == "" {
		t.Skip("make screenshots runs it")
	}
	s := development(t, "--demo")
	for role, path := range map[store.Role]string{store.Client: "/tickets/1025", store.Agent: "/tickets/1034", store.Admin: "/"} {
		p := s.newPerson(t, string(role), role)
		p.SignIn(string(role) + "@example.com")
		p.Open(path)
		p.ExpectLive()
		var sides [2]image.Image
		for i, scheme := range []string{"light", "dark"} {
			p.scheme(scheme)
			ctx, cancel := context.WithTimeout(p.ctx, 30*time.Second)
			shot, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
			cancel()
			if err != nil {
				t.Fatal(err)
			}
			if sides[i], err = png.Decode(bytes.NewReader(shot)); err != nil {
				t.Fatal(err)
			}
		}
		var out bytes.Buffer
		encoder := png.Encoder{CompressionLevel: png.BestCompression}
		if err := encoder.Encode(&out, fewColours(sides[0], sides[1])); err != nil {
			t.Fatal(err)
		}
		if out.Len() > 120<<10 {
			t.Errorf("%s.png has %d KB", role, out.Len()>>10)
		}
		if err := os.WriteFile(filepath.Join(dir, string(role)+".png"), out.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// fewColours puts the two together along a slanting line, in the 256 colours that occur most: a page has few, and
// a picture in a repository is there for ever.
func fewColours(light, dark image.Image) *image.Paletted {
	bounds := light.Bounds()
	pixel := func(x, y int) color.RGBA {
		side := light
		if edge := bounds.Dx()*3/5 - (y-bounds.Dy()/2)/3; x > edge {
			side = dark
		}
		r, g, b, _ := side.At(x, y).RGBA()
		return color.RGBA{uint8(r >> 8), uint8(g >> 8), uint8(b >> 8), 255}
	}
	count := map[color.RGBA]int{}
	for y := range bounds.Dy() {
		for x := range bounds.Dx() {
			count[pixel(x, y)]++
		}
	}
	var colours []color.RGBA
	for c := range count {
		colours = append(colours, c)
	}
	slices.SortFunc(colours, func(a, b color.RGBA) int { return cmp.Compare(count[b], count[a]) })
	var palette color.Palette
	for _, c := range colours[:min(256, len(colours))] {
		palette = append(palette, c)
	}
	nearest := map[color.RGBA]uint8{}
	out := image.NewPaletted(bounds, palette)
	for y := range bounds.Dy() {
		for x := range bounds.Dx() {
			c := pixel(x, y)
			index, known := nearest[c]
			if !known {
				index = uint8(palette.Index(c))
				nearest[c] = index
			}
			out.SetColorIndex(x, y, index)
		}
	}
	return out
}
