package browser

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// finder finds a control as a person does: by the words on it or beside it, where they can be seen. A shortcut in
// <kbd> is not part of the words. With an open dialog there is nothing else.
const finder = `((want, kinds, within) => {
  const words = (e) => {
    const copy = e.cloneNode(true);
    for (const x of copy.querySelectorAll("kbd, .count, svg, select, [aria-hidden=true]")) x.remove();
    return copy.textContent.replace(/\s+/g, " ").trim();
  };
  const name = (e) => e.getAttribute("aria-label")
    || (e.getAttribute("aria-labelledby") ?? "").split(" ").filter(Boolean).map((id) => words(document.getElementById(id))).join(" ")
    || [...(e.labels ?? [])].map(words).join(" ") || words(e) || e.title;
  const seen = (e) => e.checkVisibility({ visibilityProperty: true }) && e.getClientRects().length > 0;
  let scope = [document.querySelector("dialog:modal") ?? document];
  if (within) {
    const has = (e) => e.textContent.replace(/\s+/g, " ").includes(within);
    const all = [...document.querySelectorAll("[data-row], tr, li, section, form, fieldset, dialog, .card")].filter(has);
    scope = all.filter((e) => !all.some((other) => other !== e && e.contains(other)));
    if (!scope.length) return null;
  }
  return scope.flatMap((s) => [...s.querySelectorAll(kinds)]).find((e) => seen(e) && name(e) === want) ?? null;
})`

const (
	pressable = "a[href], button, summary, [role=tab], input[type=checkbox], input[type=radio]"
	writable  = "input:not([type=hidden]), textarea, select"
)

// control is the expression that finds one; within, if given, are words in the row or section that it stands in.
func control(kinds, name string, within []string) string {
	return fmt.Sprintf("%s(%s, %s, %s)", finder, quote(name), quote(kinds), quote(strings.Join(within, "")))
}

// do calls a command of the browser for the person's tab.
func do[P, R any](p *Person, command cdp.Command[P, R], params P) R {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	answer, err := chromedp.Call(ctx, command, params)
	if err != nil {
		p.t.Fatalf("%s: %s: %v", p.name, command.Method, err)
	}
	return answer
}

type point struct{ X, Y float64 }

// place brings an element into view and tells its middle, once it stands still and nothing lies over it.
func (p *Person) place(element string) (point, error) {
	return eval[point](p, `(async () => {
  const e = `+element+`;
  if (!e) throw new Error("not there");
  if (e.disabled) throw new Error("disabled");
  const view = e.getBoundingClientRect();
  if (view.top < 0 || view.bottom > innerHeight) e.scrollIntoView({ block: "center", behavior: "instant" });
  const at = e.getClientRects()[0];
  const x = at.x + at.width / 2, y = at.y + at.height / 2;
  const top = document.elementFromPoint(x, y);
  if (!top || !(e.contains(top) || top.contains(e) || [...(e.labels ?? [])].some((l) => l.contains(top)))) throw new Error("covered by " + top?.outerHTML.slice(0, 120));
  return { X: x, Y: y };
})()`)
}

// retry tries until there is no error.
func (p *Person) retry(what string, try func() error) {
	p.t.Helper()
	deadline := time.Now().Add(patience)
	for {
		err := try()
		if err == nil {
			return
		}
		if time.Now().After(deadline) || p.ctx.Err() != nil {
			p.t.Fatalf("%s cannot %s: %v", p.name, what, err)
		}
		time.Sleep(15 * time.Millisecond)
	}
}

// Click presses what has that name.
func (p *Person) Click(name string, within ...string) {
	p.t.Helper()
	p.clickOn(control(pressable, name, within), fmt.Sprintf("click %q", name))
}

func (p *Person) clickOn(element, what string) {
	p.t.Helper()
	p.retry(what, func() error {
		at, err := p.place(element)
		if err != nil {
			return err
		}
		p.mouse(input.DispatchMouseEventTypeMouseMoved, at, 0)
		p.mouse(input.DispatchMouseEventTypeMousePressed, at, 1)
		p.mouse(input.DispatchMouseEventTypeMouseReleased, at, 1)
		return nil
	})
}

// Point rests the pointer on an element, by a selector.
func (p *Person) Point(selector string) {
	p.t.Helper()
	p.retry("point at "+selector, func() error {
		at, err := p.place("document.querySelector(" + quote(selector) + ")")
		if err == nil {
			p.mouse(input.DispatchMouseEventTypeMouseMoved, at, 0)
		}
		return err
	})
}

func (p *Person) mouse(kind input.DispatchMouseEventType, at point, clicks int64) {
	p.t.Helper()
	params := input.DispatchMouseEventParams{Type: kind, X: at.X, Y: at.Y, ClickCount: clicks}
	if clicks > 0 {
		params.Button = input.MouseButtonLeft
	}
	do(p, input.DispatchMouseEvent, params)
}

// Fill replaces what stands in a field.
func (p *Person) Fill(label, text string, within ...string) {
	p.t.Helper()
	p.retry(fmt.Sprintf("fill %q", label), func() error {
		_, err := eval[any](p, `(() => {
  const e = `+control(writable, label, within)+`;
  if (!e) throw new Error("not there");
  e.focus();
  e.select?.();
})()`)
		return err
	})
	if text == "" {
		p.Press("Delete")
		return
	}
	do(p, input.InsertText, input.InsertTextParams{Text: text})
}

// Select chooses an option by its words, or by those it begins with.
func (p *Person) Select(label, option string, within ...string) {
	p.t.Helper()
	p.retry(fmt.Sprintf("choose %q of %q", option, label), func() error {
		_, err := eval[any](p, `(() => {
  const e = `+control("select", label, within)+`;
  if (!e) throw new Error("not there");
  const o = [...e.options].find((o) => (o.textContent.trim() + ",").startsWith(`+quote(option)+` + ","));
  if (!o) throw new Error("it has " + [...e.options].map((o) => o.textContent.trim()).join(", "));
  e.focus();
  e.value = o.value;
  e.dispatchEvent(new Event("input", { bubbles: true }));
  e.dispatchEvent(new Event("change", { bubbles: true }));
})()`)
		return err
	})
}

// Attach chooses files for a file field.
func (p *Person) Attach(label string, paths ...string) {
	p.t.Helper()
	p.retry(fmt.Sprintf("attach to %q", label), func() error {
		found := do(p, runtime.Evaluate, runtime.EvaluateParams{Expression: control("input[type=file]", label, nil)})
		if found.Result == nil || found.Result.ObjectID == "" {
			return errors.New("not there")
		}
		do(p, dom.SetFileInputFiles, dom.SetFileInputFilesParams{Files: paths, ObjectID: found.Result.ObjectID})
		return nil
	})
}

// Type presses the keys of a text, one after the other, where the focus is.
func (p *Person) Type(text string) {
	p.t.Helper()
	p.keys(text, 0)
}

var named = map[string]string{"Enter": kb.Enter, "Tab": kb.Tab, "Escape": kb.Escape, "Delete": kb.Delete,
	"ArrowLeft": kb.ArrowLeft, "ArrowRight": kb.ArrowRight, "ArrowDown": kb.ArrowDown, "ArrowUp": kb.ArrowUp, "Home": kb.Home, "End": kb.End}

// Press presses one key, such as "j", "Enter" or "Control+Enter".
func (p *Person) Press(key string) {
	p.t.Helper()
	parts := strings.Split(key, "+")
	var modifiers int64
	for _, part := range parts[:len(parts)-1] {
		modifiers |= map[string]int64{"Alt": 1, "Control": 2, "Meta": 4, "Shift": 8}[part]
	}
	last := parts[len(parts)-1]
	if code, ok := named[last]; ok {
		last = code
	}
	p.keys(last, modifiers)
}

// keys sends each key as one press that makes its own character, so that a page which takes the press for a
// shortcut keeps the character out, as from a real keyboard. chromedp.KeyEvent sends the two apart.
func (p *Person) keys(text string, modifiers int64) {
	p.t.Helper()
	for _, r := range text {
		events := kb.Encode(r)
		down, up := *events[0], *events[len(events)-1]
		if len(events) == 3 && modifiers&^int64(kb.ModifierShift) == 0 {
			down.Text, down.UnmodifiedText = events[1].Text, events[1].UnmodifiedText
		}
		down.Modifiers |= modifiers
		up.Modifiers |= modifiers
		do(p, input.DispatchKeyEvent, down)
		do(p, input.DispatchKeyEvent, up)
	}
}
