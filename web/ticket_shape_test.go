package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"autocrm/store"
)

// Each way of shaping a ticket, by the forms of its page and without scripts; and what its client sees of it.
func TestShapingATicketByItsForms(t *testing.T) {
	t.Parallel()
	d := deploy(t, "https")
	client := d.person(t, store.Client, "cleo@example.com")
	ana := d.person(t, store.Agent, "ana@example.com")
	d.person(t, store.Agent, "ben@example.com")
	address, other := client.submit(t, "One", "Text"), client.submit(t, "Two", "Text")
	path := func(part string) string { return address + part }

	page := ana.see(t, address).html(t)
	ben := page.Find(`#forward-to option:contains("Ben")`).AttrOr("value", "")
	for _, step := range []struct {
		part string
		form url.Values
		want string // on the page then
	}{
		{"/tags", url.Values{"tag": {"vip, late"}}, "added the tags"},
		{"/tags/removal", url.Values{"tag": {"late"}}, "removed the tag"},
		{"/sleep", url.Values{"for": {"answer"}}, "Asleep until the customer answers"},
		{"/awakening", url.Values{}, "woke the ticket"},
		{"/sleep", url.Values{"for": {"tomorrow"}, "zone": {"Europe/Berlin"}}, "Asleep until"},
		{"/following", url.Values{}, "Followed by"},
		{"/forwardings", url.Values{"to": {ben}, "note": {"Please look."}}, "forwarded to Ben"},
		{"/links", url.Values{"role": {"duplicate-of"}, "other": {"#" + other[strings.LastIndex(other, "/")+1:]}}, "Duplicate of"},
		{"/time", url.Values{"spent": {"1h 20m"}, "word": {"on the phone"}}, "spent 1h 20m: on the phone"},
		{"/unfollowing", url.Values{}, "Followed by"},
	} {
		ana.post(t, path(step.part), step.form).want(t, http.StatusSeeOther, address)
		if text := ana.see(t, address).html(t).Find("main").Text(); !strings.Contains(text, step.want) {
			t.Errorf("after %s the page does not say %q", step.part, step.want)
		}
		if answer := ana.get(t, path(step.part)); answer.StatusCode != http.StatusSeeOther {
			t.Errorf("reloaded, %s answers %d", step.part, answer.StatusCode)
		}
	}
	if row := ana.see(t, "/tickets?q=is:snoozed").html(t).Find("[data-row]"); row.Length() != 1 || !strings.Contains(row.Find(".tickets__marks").Text(), "Asleep until") {
		t.Errorf("the list shows %d sleeping tickets: %q", row.Length(), row.Text())
	}
	for _, step := range []struct {
		part  string
		form  url.Values
		field string // that the sentence stands beside
		words string
	}{
		{"/tags", url.Values{"tag": {"a:b"}}, "prop-tag", "up to 40 characters"},
		{"/sleep", url.Values{"for": {"at"}, "at": {"yesterday"}}, "snooze-at", "a date and a time"},
		{"/sleep", url.Values{"for": {"at"}, "at": {"2020-01-01T09:00"}}, "snooze-at", "still to come"},
		{"/forwardings", url.Values{"note": {"Kept words."}}, "forward-to", "Choose a colleague"},
		{"/links", url.Values{"role": {"related"}, "other": {"zeppelin"}}, "link-other", "No ticket fits"},
		{"/time", url.Values{"spent": {"soon"}}, "time-spent", "no length of time"},
		{"/merge", url.Values{"into": {"#99999"}}, "merge-into", "no ticket #99999"},
	} {
		doc := ana.post(t, path(step.part), step.form).want(t, http.StatusUnprocessableEntity).html(t)
		if text := doc.Find("#" + step.field + "-error").Text(); !strings.Contains(text, step.words) {
			t.Errorf("%s %v says %q beside the field", step.part, step.form, text)
		}
		for name := range step.form {
			field := doc.Find(`.act[open] [name="` + name + `"], #form-tag [name="` + name + `"]`)
			if name != "for" && name != "role" && !strings.Contains(field.AttrOr("value", "")+field.Text(), step.form.Get(name)) {
				t.Errorf("%s lost what was typed in %s", step.part, name)
			}
		}
	}

	// Words find; what they find is chosen from, and the choice is what counts.
	third := client.submit(t, "A stuck zeppelin", "Text")
	words := url.Values{"role": {"related"}, "other": {"zeppelin"}}
	pick := ana.post(t, path("/links"), words).want(t, http.StatusUnprocessableEntity).html(t).Find(`#form-link [name="pick"]`)
	if pick.Length() != 1 || pick.AttrOr("value", "") != "#"+third[strings.LastIndex(third, "/")+1:] {
		t.Errorf("words find %d tickets: %q", pick.Length(), pick.AttrOr("value", ""))
	}
	words.Set("pick", pick.AttrOr("value", ""))
	ana.post(t, path("/links"), words).want(t, http.StatusSeeOther, address)

	// The client's page and its parts say nothing of all that, and none of the doors is theirs.
	for _, part := range []string{"", "/timeline", "/properties", "/head"} {
		html := client.see(t, path(part)).body
		for _, secret := range []string{"vip", "Asleep", "Please look", "Ben", "Duplicate", "on the phone", "Snooze", "ticket-links"} {
			if strings.Contains(html, secret) {
				t.Errorf("the client's %q says %q", part, secret)
			}
		}
	}
	for _, part := range []string{"/tags", "/sleep", "/merge", "/links", "/time", "/forwardings", "/splits", "/following"} {
		if got := client.post(t, path(part), url.Values{"tag": {"x"}}); got.StatusCode != http.StatusNotFound && got.StatusCode != http.StatusMethodNotAllowed {
			t.Errorf("the client posts %s: %d", part, got.StatusCode)
		}
	}

	// Merged: the client is led on, and the other ticket has it all.
	ana.post(t, path("/merge"), url.Values{"into": {other[strings.LastIndex(other, "/")+1:]}}).want(t, http.StatusSeeOther, other)
	if link := client.see(t, address).html(t).Find(".merged a").AttrOr("href", ""); link != other {
		t.Errorf("the client is led to %q", link)
	}
	if client.see(t, address).html(t).Find(`form[action$="/merge/undoing"]`).Length() != 0 {
		t.Error("the client can undo a merge")
	}
	ana.post(t, path("/merge/undoing"), nil).want(t, http.StatusSeeOther, address)
	if client.see(t, address).html(t).Find(".merged").Length() != 0 {
		t.Error("undone, it still says that it was merged")
	}
}

func TestSplittingAMessageByItsForm(t *testing.T) {
	t.Parallel()
	d := deploy(t, "https")
	client, ana := d.person(t, store.Client, "cleo@example.com"), d.person(t, store.Agent, "ana@example.com")
	address := client.submit(t, "One", "Text")
	reply := fill(client.see(t, address).html(t).Find("#composer-form-reply"))
	client.multi(t, address+"/replies", []part{{field: "id", content: reply.Get("id")}, {field: "content", content: "My bill is wrong, too.\nBy far."}})
	form := fill(ana.see(t, address).html(t).Find(`form[action$="/splits"]`))
	if form.Get("subject") != "My bill is wrong, too." {
		t.Errorf("it proposes %q", form.Get("subject"))
	}
	form.Set("subject", " ")
	doc := ana.post(t, address+"/splits", form).want(t, http.StatusUnprocessableEntity).html(t)
	if text := doc.Find("details.message__menu[open] .field__error").Text(); !strings.Contains(text, "few words") {
		t.Errorf("without a subject it says %q", text)
	}
	form.Set("subject", "Bill")
	made := ana.post(t, address+"/splits", form).want(t, http.StatusSeeOther).Header.Get("Location")
	if text := client.see(t, made).html(t).Find("main").Text(); !strings.Contains(text, "By far.") {
		t.Error("the new ticket has not its words")
	}
	if text := ana.post(t, address+"/splits", form).want(t, http.StatusUnprocessableEntity).html(t).Find(".notice").Text(); !strings.Contains(text, "no longer on this ticket") {
		t.Errorf("a second press says %q", text)
	}
}

func TestThePageOfTags(t *testing.T) {
	t.Parallel()
	d := deploy(t, "https")
	client, ana, ada := d.person(t, store.Client, "cleo@example.com"), d.person(t, store.Agent, "ana@example.com"), d.person(t, store.Admin, "ada@example.com")
	address := client.submit(t, "One", "Text")
	ana.post(t, address+"/tags", url.Values{"tag": {"vip gold"}}).want(t, http.StatusSeeOther)
	rows := ada.see(t, "/tags").html(t).Find("tbody tr")
	if rows.Length() != 2 {
		t.Fatalf("%d tags", rows.Length())
	}
	of := func(name, end string) string {
		return ana.see(t, "/tags").html(t).Find(`tr:has(.ticket-tag:contains("`+name+`")):has([value="`+name+`"]) form[action$="`+end+`"]`).AttrOr("action", "")
	}
	change := strings.TrimSuffix(of("vip", "/merge"), "/merge")
	doc := ana.post(t, change, url.Values{"name": {"v i p"}, "hue": {"3"}}).want(t, http.StatusUnprocessableEntity).html(t)
	if text := doc.Find("details[open] .field__error").Text(); !strings.Contains(text, "up to 40 characters") {
		t.Errorf("a bad name: %q", text)
	}
	ana.post(t, change, url.Values{"name": {"very-important"}, "hue": {"3"}}).want(t, http.StatusSeeOther, "/tags")
	ada.post(t, change+"/merge", url.Values{"into": {"nothing"}}).want(t, http.StatusUnprocessableEntity)
	ada.post(t, change+"/merge", url.Values{"into": {"gold"}}).want(t, http.StatusSeeOther, "/tags")
	if text := ana.see(t, address).html(t).Find(".ticket-tags").Text(); !strings.Contains(text, "gold") || strings.Contains(text, "important") {
		t.Errorf("the ticket has %q", text)
	}
	ana.post(t, of("gold", "/deletion"), nil).want(t, http.StatusSeeOther, "/tags")
	if ana.see(t, address).html(t).Find(".ticket-tags").Length() != 0 {
		t.Error("deleted, the tag is still on the ticket")
	}
	client.get(t, "/tags").want(t, http.StatusNotFound)
}
