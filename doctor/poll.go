package doctor

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// poller asks by long polling, as a page does whose stream does not come through.
type poller struct {
	cursor   string
	answered time.Duration // the first, which waits for nothing
	seen     chan polled
}

type polled struct {
	at  time.Time
	err error
}

type pollAnswer struct {
	Events []struct {
		Event string `json:"event"`
		Data  struct {
			Topic string `json:"topic"`
		} `json:"data"`
	} `json:"events"`
	Cursor string `json:"cursor"`
}

// startPoll fetches the cursor from which watchFor asks on.
func (p *portal) startPoll(ctx context.Context, cookie string) (*poller, error) {
	asked := time.Now()
	answer, err := p.poll(ctx, cookie, "")
	if err != nil {
		return nil, err
	}
	return &poller{cursor: answer.Cursor, answered: time.Since(asked), seen: make(chan polled, 1)}, nil
}

// watchFor polls until a change has the topic that topics says, or ctx ends.
func (w *poller) watchFor(ctx context.Context, p *portal, cookie string, topic func() string) {
	changes := map[string]time.Time{}
	for {
		answer, err := p.poll(ctx, cookie, w.cursor)
		if err != nil {
			w.seen <- polled{err: err}
			return
		}
		for _, event := range answer.Events {
			if _, before := changes[event.Data.Topic]; !before {
				changes[event.Data.Topic] = time.Now()
			}
		}
		// topic waits: the canary may have been told here before its maker knew that it was made.
		if len(answer.Events) > 0 {
			if at, there := changes[topic()]; there {
				w.seen <- polled{at: at}
				return
			}
		}
		w.cursor = answer.Cursor
	}
}

func (p *portal) poll(ctx context.Context, cookie, after string) (*pollAnswer, error) {
	path := "/live/poll"
	if after != "" {
		path += "?after=" + url.QueryEscape(after)
	}
	answer, err := p.client.do(ctx, http.MethodGet, path, "Accept", "application/json", "Sec-Fetch-Site", "same-origin", "Cookie", cookie)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	body, err := readAll(answer)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("it answers %s", answer.Status)
	}
	var got pollAnswer
	if err := json.Unmarshal(body, &got); err != nil || got.Cursor == "" {
		return nil, fmt.Errorf("it answers something else than JSON (%s)", contentType(answer))
	}
	return &got, nil
}
