package chaos

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"autocrm/store"
	"autocrm/store/storetest"
)

// person is somebody with a browser's session.
type person struct {
	r     *rig
	role  store.Role
	name  string
	email string
	id    string
	quiet int64 // a customer's ticket on which nobody writes but the rig

	http   *http.Client
	cookie string
}

// connect makes the person's browser. Every name leads to the rig's front, wherever that is at the moment.
func (p *person) connect() {
	p.http = &http.Client{
		Transport: &http.Transport{
			DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, network, *p.r.front.Load())
			},
			MaxIdleConnsPerHost: 8,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func (p *person) request(ctx context.Context, method, path, contentType string, body io.Reader) *http.Request {
	request, err := http.NewRequestWithContext(ctx, method, p.r.portal(p.role)+path, body)
	if err != nil {
		panic(err) // an address that the rig made up wrong
	}
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	if p.cookie != "" {
		request.Header.Set("Cookie", p.cookie)
	}
	return request
}

// answer is what a request came to.
type answer struct {
	status int
	header http.Header
	body   string
	took   time.Duration
}

func (p *person) do(request *http.Request) (answer, error) {
	began := time.Now()
	response, err := p.http.Do(request)
	if err != nil {
		return answer{took: time.Since(began)}, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return answer{response.StatusCode, response.Header, string(body), time.Since(began)}, err
}

func (p *person) get(ctx context.Context, path string) (answer, error) {
	return p.do(p.request(ctx, "GET", path, "", nil))
}

func (p *person) post(ctx context.Context, path string, form url.Values) (answer, error) {
	return p.do(p.request(ctx, "POST", path, "application/x-www-form-urlencoded", strings.NewReader(form.Encode())))
}

// json reads a page as an API client does.
func (p *person) json(ctx context.Context, path string, into any) error {
	request := p.request(ctx, "GET", path, "", nil)
	request.Header.Set("Accept", "application/json")
	got, err := p.do(request)
	if err != nil {
		return err
	}
	if got.status != http.StatusOK {
		return fmt.Errorf("%s reads %s: %d", p.name, path, got.status)
	}
	return json.Unmarshal([]byte(got.body), into)
}

func (p *person) signIn(ctx context.Context) error {
	got, err := p.post(ctx, "/sign-in", url.Values{"email": {p.email}, "password": {storetest.Password}})
	if err != nil {
		return err
	}
	if got.status != http.StatusSeeOther {
		return fmt.Errorf("%s cannot sign in: %d", p.name, got.status)
	}
	cookie, err := http.ParseSetCookie(got.header.Get("Set-Cookie"))
	if err != nil {
		return err
	}
	p.cookie = cookie.Name + "=" + cookie.Value
	return nil
}

// listed is a ticket as the list has it for an API client.
type listed struct {
	Number  int64  `json:"number"`
	Status  string `json:"status"`
	Agent   string `json:"agent"`
	Version int64  `json:"version"`
}

// tickets reads every ticket the person may see, in an order that does not change meanwhile.
func (p *person) tickets(ctx context.Context) (all []listed, err error) {
	for after := ""; ; {
		var page struct {
			Tickets []listed `json:"tickets"`
			Next    string   `json:"next"`
		}
		query := url.Values{"status": {"any"}, "sort": {"age"}, "after": {after}}
		if err := p.json(ctx, "/tickets?"+query.Encode(), &page); err != nil {
			return nil, err
		}
		all = append(all, page.Tickets...)
		if after = page.Next; after == "" {
			return all, nil
		}
	}
}
