package markdown

import (
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
)

func TestRender(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"Hello **you**\nsecond line":          "<p>Hello <strong>you</strong><br>\nsecond line</p>\n",
		"# Heading":                           "<h3>Heading</h3>\n",
		"[site](https://example.com/a?b=c&d)": `<p><a href="https://example.com/a?b=c&amp;d" rel="noopener nofollow ugc">site</a></p>` + "\n",
		"see https://example.com":             `<p>see <a href="https://example.com" rel="noopener nofollow ugc">https://example.com</a></p>` + "\n",
		"![chart](https://x.example/t.png)":   `<p><a href="https://x.example/t.png" rel="noopener nofollow ugc">chart</a></p>` + "\n",
		"![](https://x.example/t.png)":        `<p><a href="https://x.example/t.png" rel="noopener nofollow ugc">https://x.example/t.png</a></p>` + "\n",
		"a < b & c > d":                       "<p>a &lt; b &amp; c &gt; d</p>\n",
		"~~gone~~":                            "<p><del>gone</del></p>\n",
		"3. three":                            "<ol start=\"3\">\n<li>three</li>\n</ol>\n",
		"":                                    "",
	} {
		if got := Render(in).String(); got != want {
			t.Errorf("Render(%q)\n got %q\nwant %q", in, got, want)
		}
	}
}

// hostileTexts are what somebody writes who wants to run, fetch or reach out of their message.
var hostileTexts = []string{
	`<script>alert(1)</script>`,
	`<img src=x onerror=alert(1)>`,
	`<svg/onload=alert(1)>`,
	`<a href="javascript:alert(1)">x</a>`,
	`[x](javascript:alert(1))`,
	`[x](JaVaScRiPt&colon;alert(1))`,
	`[x](data:text/html;base64,PHNjcmlwdD4=)`,
	`[x](vbscript:msgbox)`,
	`[x](//evil.example/path)`,
	`[x](/sign-out)`,
	`[x](https:/sign-out)`,
	`[x](http:sign-out)`,
	`[](http:)`,
	"[x](java\tscript:alert(1))",
	`<javascript:alert(1)>`,
	`![x](javascript:alert(1))`,
	`![x](https://e.example/"onerror="alert(1))`,
	`[x](https://e.example "onmouseover=alert(1)")`,
	"```\"><script>alert(1)</script>\ncode\n```",
	"[x]: javascript:alert(1)\n\n[x]",
	`<style>*{display:none}</style>`,
	`<div style="position:fixed;inset:0">`,
	`<form action=/sign-out><button>`,
	`<p hx-get=/users hx-trigger=load>`,
	`<iframe srcdoc="<script>alert(1)</script>">`,
	`<math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>`,
	`</li></ol></article><h1>out</h1>`,
	"|<script>|\n|-|\n|<img src=x>|",
	"<!--><script>alert(1)</script>-->",
	"\x00<scr\x00ipt>alert(1)</script>",
	`<base href="https://evil.example">`,
	`<meta http-equiv=refresh content="0;url=https://evil.example">`,
	`# <a id=timeline name=submit>`,
	`![x](attachment:"onerror=alert(1))`,
	`![x](attachment:%22%20onerror=alert(1)%3E%3Cscript%3E)`,
	`[![x](attachment:a.png)](javascript:alert(1))`,
	"\ue000<img src=x onerror=alert(1)>\ue001",
	"[x](https://e.example/\ue000a.png\ue001)",
	"\ue000%3Cscript%3Ealert(1)%3C/script%3E\ue001",
	"yes\n\n<summary>wrote:\n\n> <details open ontoggle=alert(1)>\n> \n>\n>\n>\n> x",
}

// TestHostile parses what comes out as a browser would and looks for anything that could run, fetch or reach
// out of its message.
func TestHostile(t *testing.T) {
	t.Parallel()
	for _, in := range hostileTexts {
		out := Render(in).String()
		doc, err := goquery.NewDocumentFromReader(strings.NewReader(out))
		if err != nil {
			t.Fatal(err)
		}
		harmless(t, in, out, doc)
	}
}

var allowed = func() map[string]bool {
	allowed := map[string]bool{}
	for tag := range strings.FieldsSeq("html head body p br strong em del code pre blockquote ul ol li hr h3 h4 h5 h6 table thead tbody tr th td a details summary span") {
		allowed[tag] = true
	}
	return allowed
}()

func harmless(t *testing.T, in, out string, doc *goquery.Document) {
	t.Helper()
	doc.Find("*").Each(func(_ int, s *goquery.Selection) {
		if !allowed[goquery.NodeName(s)] {
			t.Errorf("%q lets <%s> through: %s", in, goquery.NodeName(s), out)
		}
		for _, a := range s.Nodes[0].Attr {
			switch {
			case a.Key == "href" && (strings.HasPrefix(a.Val, "https://") || strings.HasPrefix(a.Val, "http://") || strings.HasPrefix(a.Val, "mailto:")):
			case a.Key == "class" && a.Val == "quoted" && goquery.NodeName(s) == "details":
			case a.Key == "class" && a.Val == "picture-name" && goquery.NodeName(s) == "span":
			case a.Key == "rel", a.Key == "start", a.Key == "align":
			default:
				t.Errorf("%q lets %s=%q through", in, a.Key, a.Val)
			}
		}
	})
	doc.Find("a[href]").Each(func(_ int, s *goquery.Selection) {
		if r, _ := s.Attr("rel"); !strings.Contains(r, "noopener") || !strings.Contains(r, "nofollow") || !strings.Contains(r, "ugc") {
			t.Errorf("%q: a link with rel %q", in, r)
		}
	})
}

// TestHostileSize: the longest text that the store takes, in the shapes that make parsers slow.
func TestHostileSize(t *testing.T) {
	t.Parallel()
	for name, in := range map[string]string{
		"quotes":     strings.Repeat(">", 50000),
		"quotes2":    strings.Repeat("> ", 25000),
		"quotelines": strings.Repeat(strings.Repeat(">", 59)+"a\n", 800),
		"list":       strings.Repeat("- ", 25000),
		"numbers":    strings.Repeat("1. ", 16000),
		"steps":      steps(),
		"brackets":   strings.Repeat("[", 50000),
		"links":      strings.Repeat("[a](", 12500),
		"links2":     strings.Repeat("[](<", 12500),
		"pictures":   strings.Repeat("![", 25000),
		"stars":      strings.Repeat("*a_", 16000),
		"stars2":     strings.Repeat("**a *b ", 7000),
		"ticks":      ticks(),
		"angle":      strings.Repeat("<", 50000),
		"html":       strings.Repeat("<a ", 16000),
		"comments":   strings.Repeat("<!--", 12500),
		"table":      strings.Repeat("|a", 20000) + "\n" + strings.Repeat("|-", 5000),
		"table2":     "|a|b\n|-|-\n" + strings.Repeat("|\n", 24000),
		"refs":       strings.Repeat("[a]: b\n", 7000),
		"refs2":      "[a]: /" + strings.Repeat("x", 20000) + "\n" + strings.Repeat("[a]", 9000),
		"entities":   strings.Repeat("&#0;", 12500),
		"urls":       strings.Repeat("www.a.b ", 6000),
		"urls2":      strings.Repeat("http://", 7000),
		"mails":      strings.Repeat("a@", 25000),
		"tildes":     strings.Repeat("~", 50000),
		"escapes":    strings.Repeat("\\", 50000),
	} {
		start := time.Now()
		Render(in)
		if took := time.Since(start); took > 2*time.Second {
			t.Errorf("%s takes %s", name, took)
		} else if took > 100*time.Millisecond {
			t.Logf("%s takes %s", name, took)
		}
	}
}

func steps() string {
	var b strings.Builder
	for i := range 300 {
		b.WriteString(strings.Repeat("  ", i) + "- a\n")
	}
	return b.String()
}

func ticks() string {
	var b strings.Builder
	for i := range 300 {
		b.WriteString(strings.Repeat("`", i) + " ")
	}
	return b.String()
}

func TestCacheIsBounded(t *testing.T) {
	t.Parallel()
	var c cache
	made := 0
	long := strings.Repeat("x", 100_000)
	get := func(text string) HTML {
		return c.get(text, func(text string) HTML { made++; return HTML{safe: text + long} })
	}
	for i := range 1000 {
		get("kept")
		if got := get(strings.Repeat("a", i)).safe; got != strings.Repeat("a", i)+long {
			t.Fatal("another text came back")
		}
		size := 0
		for _, generation := range []map[[32]byte]HTML{c.young, c.old} {
			for _, h := range generation {
				size += len(h.safe)
			}
		}
		if size > 2*cacheBytes {
			t.Fatalf("it holds %d bytes", size)
		}
	}
	if made != 1001 {
		t.Errorf("rendered %d times, want 1001: what is asked for often stays", made)
	}
}

func TestLongQuotesAreFolded(t *testing.T) {
	t.Parallel()
	long := "> one\n> two\n>\n> four\n> five\n"
	for in, folds := range map[string]bool{
		"Yes.\n\n" + long: true,
		"Yes.\n\nOn Monday, Ana <ana@example.com> wrote:\n\n" + long: true,
		"Yes.\n\n> one\n> two\n> three\n> four":                      false,
		long:                                                         false, // it is all there is to read
		"On Monday, Ana wrote:\n\n" + long:                           false,
		long + "\nYes.":                                              true,
		"Yes.\n\n> > deep\n> > and\n> > long\n> > and\n> > on":       true,
	} {
		out := Render(in).String()
		doc, err := goquery.NewDocumentFromReader(strings.NewReader(out))
		if err != nil {
			t.Fatal(err)
		}
		if got := doc.Find("details.quoted:not([open]) > summary:first-child").Length() == 1; got != folds {
			t.Errorf("%q: folded %v, want %v\n%s", in, got, folds, out)
		}
		if folds && strings.Contains(in, "wrote") && doc.Find(`details p:contains("wrote")`).Length() != 1 {
			t.Errorf("%q: whose words they are stays outside\n%s", in, out)
		}
		if strings.Contains(in, "Yes.") && doc.Find(`body > p:contains("Yes.")`).Length() != 1 {
			t.Errorf("%q: the answer is folded\n%s", in, out)
		}
	}
}

func TestMentionsAreSetOff(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"@Ana Lima, and @Ana":         `<p><span class="mention">@Ana Lima</span>, and <span class="mention">@Ana</span></p>` + "\n",
		"`@Ana` [@Ana](https://x.de)": `<p><code>@Ana</code> <a href="https://x.de" rel="noopener nofollow ugc">@Ana</a></p>` + "\n",
		"@Anastasia":                  "<p>@Anastasia</p>\n",
		"*@Bo O'Neill* & <b>":         `<p><em><span class="mention">@Bo O&#39;Neill</span></em> &amp; </p>` + "\n",
	} {
		if got := RenderMessage(in, []string{"Ana", "Ana Lima", "Bo O'Neill"}, nil).String(); got != want {
			t.Errorf("%q\n got %q\nwant %q", in, got, want)
		}
	}
}

func TestPicturesOfTheMessage(t *testing.T) {
	t.Parallel()
	own := []Picture{{"plan.png", "/attachments/1"}, {"a <b> (2).png", "/attachments/2"}}
	for in, want := range map[string]string{
		"see ![plan](attachment:plan.png)":                     `<p>see <a class="picture" href="/attachments/1"><img src="/attachments/1" alt="plan.png" loading="lazy"></a></p>`,
		"![x](attachment:a%20%3Cb%3E%20%282%29.png)":           `<p><a class="picture" href="/attachments/2"><img src="/attachments/2" alt="a &lt;b&gt; (2).png" loading="lazy"></a></p>`,
		"![x](attachment:other.png)":                           `<p><span class="picture-name">other.png</span></p>`,
		"![x](attachment:%22%3E%3Cscript%3E)":                  `<p><span class="picture-name">&#34;&gt;&lt;script&gt;</span></p>`,
		"\ue000plan.png\ue001 \ue000<b>\ue001 \ue000%zz\ue001": `<p><a class="picture" href="/attachments/1"><img src="/attachments/1" alt="plan.png" loading="lazy"></a> <span class="picture-name"></span> <span class="picture-name"></span></p>`,
		"[x](attachment:plan.png)":                             `<p><a rel="noopener nofollow ugc">x</a></p>`,
	} {
		if got := strings.TrimSpace(RenderMessage(in, nil, own).String()); got != want {
			t.Errorf("%q\n got %q\nwant %q", in, got, want)
		}
	}
	if got := RenderMessage("![plan](attachment:plan.png)", nil, own).Placed; len(got) != 1 || got[0].Name != "plan.png" {
		t.Errorf("placed is %v", got)
	}
	if got := Render("![plan](attachment:plan.png)").String(); got != `<p><span class="picture-name">plan.png</span></p>`+"\n" {
		t.Errorf("without its files it is %q", got)
	}
}
