package ui

import (
	"bytes"
	"context"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/a-h/templ"
)

const hostile = `<script>alert(1)</script>"'><img src=x onerror=alert(1)>&amp;`

// fill puts s into every string of v, however deep; switches are all on, lists hold one.
func fill[T any](s string) T {
	var v T
	fillValue(reflect.ValueOf(&v).Elem(), s)
	return v
}

func fillValue(v reflect.Value, s string) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(s)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(3)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fillValue(v.Index(0), s)
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)))
			return
		}
		for i := range v.NumField() {
			fillValue(v.Field(i), s)
		}
	case reflect.Interface:
		if v.Type() == reflect.TypeFor[templ.Component]() {
			v.Set(reflect.ValueOf(templ.ComponentFunc(func(ctx context.Context, w io.Writer) error { return Text(s).Render(ctx, w) })))
		}
	}
}

// every renders each component with s in all its strings.
func every(s string) map[string]templ.Component {
	return map[string]templ.Component{
		"Button": Button(fill[ButtonArgs](s)), "LinkButton": LinkButton(fill[ButtonArgs](s), s), "CopyField": CopyField(s, s, s),
		"Icon": Icon(s), "Kbd": Kbd(s), "Status": Status(s), "StatusPill": StatusPill(s), "Priority": Priority(s), "Tag": Tag(s, s),
		"Avatar": Avatar(s), "PersonName": PersonName(s), "PersonLine": PersonLine(s, s),
		"Field": Field(fill[FieldArgs](s)), "Textarea": Textarea(fill[FieldArgs](s)), "Select": Select(fill[FieldArgs](s), fill[[]Option](s)),
		"Checkbox": Checkbox(fill[FieldArgs](s), true), "FileField": FileField(fill[FieldArgs](s)),
		"Notice": Notice(s, s), "ErrorSummary": ErrorSummary(s, fill[[]FieldError](s)), "Empty": Empty(s, s, s),
		"Breadcrumb": Breadcrumb(fill[[]Crumb](s)), "Tabs": Tabs(s, fill[[]TabLink](s)), "Pager": Pager(s, s, s), "SortHeader": SortHeader(s, s, s),
		"FilterBar": FilterBar(s), "Menu": Menu(s, s), "Confirm": Confirm(s, s, s, s), "DialogButton": DialogButton(fill[ButtonArgs](s), s),
		"Dialog": Dialog(s, s), "Table": Table(s), "TicketList": TicketList(fill[TicketListArgs](s)), "TicketHead": TicketHead(fill[TicketHeadArgs](s)),
		"Property": Property(fill[PropertyArgs](s)), "Facts": Facts(fill[[]Fact](s)), "Message": Message(fill[MessageArgs](s)),
		"TicketTag": TicketTag(fill[TicketTagArgs](s)), "TicketTags": TicketTags(s, fill[[]TicketTagArgs](s)), "Act": Act(fill[ActArgs](s)), "ActButton": ActButton(fill[ButtonArgs](s)), "Choices": Choices(s, fill[[]Option](s)),
		"Change": Change(fill[ChangeArgs](s)), "Composer": Composer(fill[ComposerArgs](s)), "Stats": Stats(s, nil, fill[[]StatArgs](s)),
		"Panel": Panel(s, s, Text(s)), "DayChart": DayChart(s, s, s, s, fill[[]DayCount](s)), "LineChart": LineChart(fill[LineChartArgs](s)), "Findings": Findings(fill[[]FindingArgs](s)), "Loads": Loads(fill[[]LoadArgs](s)), "Feed": Feed(s, nil, fill[[]FeedArgs](s)),
	}
}

// shape is the tree of elements with the names of their attributes: what a value must never change.
func shape(t *testing.T, c templ.Component) string {
	t.Helper()
	var buf, out bytes.Buffer
	if err := c.Render(t.Context(), &buf); err != nil {
		t.Fatal(err)
	}
	// In a table, or the parser would drop the cells of components that are made for one.
	doc, err := goquery.NewDocumentFromReader(io.MultiReader(strings.NewReader("<table><tr>"), &buf))
	if err != nil {
		t.Fatal(err)
	}
	doc.Find("*").Each(func(_ int, s *goquery.Selection) {
		out.WriteString(s.Nodes[0].Data)
		for _, a := range s.Nodes[0].Attr {
			out.WriteString(" " + a.Key)
			if (a.Key == "href" || a.Key == "action" || a.Key == "formaction") && strings.HasPrefix(a.Val, "javascript:") {
				t.Errorf("%s=%q", a.Key, a.Val)
			}
		}
		out.WriteByte('\n')
	})
	return out.String()
}

func TestValuesStayValues(t *testing.T) {
	t.Parallel()
	tame, wild, script := every("word"), every(hostile), every("javascript:alert(1)")
	for name := range tame {
		shape(t, script[name])
		want, got := shape(t, tame[name]), shape(t, wild[name])
		if got != want {
			t.Errorf("%s: a value changed the page\n%s\ninstead of\n%s", name, got, want)
		}
		if strings.Contains(got, "onerror") || strings.Contains(got, "\nscript") {
			t.Errorf("%s: a value became markup", name)
		}
	}
}

func TestErrorsAreTold(t *testing.T) {
	t.Parallel()
	f := FieldArgs{Label: "Subject", Name: "subject", Value: `what was "typed"`, Error: "Too short.", Hint: "A few words."}
	for name, c := range map[string]templ.Component{"Field": Field(f), "Textarea": Textarea(f), "Select": Select(f, []Option{{f.Value, "x"}}), "FileField": FileField(f)} {
		var buf bytes.Buffer
		if err := c.Render(t.Context(), &buf); err != nil {
			t.Fatal(err)
		}
		doc, _ := goquery.NewDocumentFromReader(&buf)
		input := doc.Find("[name=subject]")
		if v, _ := input.Attr("aria-invalid"); v != "true" {
			t.Errorf("%s: not marked invalid", name)
		}
		described, _ := input.Attr("aria-describedby")
		ids := strings.Fields(described)
		if len(ids) != 2 || strings.TrimSpace(doc.Find("#"+ids[0]).Text()) != f.Error || strings.TrimSpace(doc.Find("#"+ids[1]).Text()) != f.Hint {
			t.Errorf("%s: described by %q", name, described)
		}
		if name == "Field" {
			if v, _ := input.Attr("value"); v != f.Value {
				t.Errorf("value %q", v)
			}
		}
		if name == "Textarea" && input.Text() != f.Value {
			t.Errorf("text %q", input.Text())
		}
	}
}

// A text that begins with line breaks keeps them: the parser drops the first one after the tag.
func TestTextareaKeepsLineBreaks(t *testing.T) {
	t.Parallel()
	var buf bytes.Buffer
	if err := Textarea(FieldArgs{Name: "x", Value: "\n\nlate"}).Render(t.Context(), &buf); err != nil {
		t.Fatal(err)
	}
	doc, _ := goquery.NewDocumentFromReader(&buf)
	if got := doc.Find("textarea").Text(); got != "\n\nlate" {
		t.Errorf("%q", got)
	}
}

func TestWords(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{"Ana Ruiz": "AR", "Ana Maria Ruiz": "AR", "ana": "A", "élan": "É", "a@b.com": "AC", "": "?", "  ": "?"} {
		if got := initials(name); got != want {
			t.Errorf("initials(%q)=%q, want %q", name, got, want)
		}
	}
	for bytes, want := range map[int64]string{0: "0 B", 999: "999 B", 48211: "48 KB", 999_600: "1.0 MB", 26_214_400: "26.2 MB"} {
		if got := Size(bytes); got != want {
			t.Errorf("Size(%d)=%q, want %q", bytes, got, want)
		}
	}
	if StatusWord("on_hold") != "On hold" || StatusWord("odd") != "odd" {
		t.Error("status words")
	}
}
