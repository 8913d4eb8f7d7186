package realtime

import (
	"context"
	"time"

	"autocrm/store"

	"github.com/prometheus/client_golang/prometheus"
)

// The states of the listening connection.
const (
	Connected   = "connected"    // changes come at once
	PollingOnly = "polling_only" // changes come with the next look into the log, a second at most
)

// Status is the hub's health, for /readyz.
type Status struct {
	Ready    bool          // the log has been read to its end, and within the last seconds
	Listener string        // Connected or PollingOnly
	Lag      time.Duration // how long ago the log was last read to its end
	Streams  int
	Err      error // why the last look into the log, or the last listening connection, failed
}

type status struct {
	ready     bool
	told      bool // what the streams were last told about being current
	listener  string
	lastRead  time.Time
	readErr   error
	listenErr error
}

// Status tells how well the hub is fed.
func (h *Hub) Status() Status {
	h.mu.RLock()
	defer h.mu.RUnlock()
	s := Status{Ready: h.current(), Listener: h.status.listener, Err: h.status.readErr}
	if s.Err == nil {
		s.Err = h.status.listenErr
	}
	if !h.status.lastRead.IsZero() {
		s.Lag = time.Since(h.status.lastRead)
	}
	for _, streams := range h.byUser {
		s.Streams += len(streams)
	}
	return s
}

// current says whether what the hub hands out is the present. The lock is held, for reading at least.
func (h *Hub) current() bool {
	return h.status.ready && time.Since(h.status.lastRead) < h.pace.stale
}

func (h *Hub) isCurrent() bool {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.current()
}

// tellCurrent has every stream say so when the hub falls out of the present or comes back to it: a page must
// not call itself live on a node that has lost its database. The lock is held.
func (h *Hub) tellCurrent() {
	is := h.current()
	if is == h.status.told {
		return
	}
	h.status.told = is
	for _, streams := range h.byUser {
		for s := range streams {
			s.nudge()
		}
	}
}

// watch notices the passing of time without a read: a read that hangs reports nothing.
func (h *Hub) watch(ctx context.Context) {
	tick := time.NewTicker(h.pace.poll)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			h.mu.Lock()
			h.tellCurrent()
			h.mu.Unlock()
		}
	}
}

func (h *Hub) ready() bool {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.status.ready
}

func (h *Hub) head() int64 {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.extent.Head
}

// noteRead keeps how the last look into the log went, and wakes who waited for it.
func (h *Hub) noteRead(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case err != nil && h.status.readErr == nil:
		h.logger.Error("the event log cannot be read", "error", err)
	case err == nil && h.status.readErr != nil:
		h.logger.Info("the event log is read again", "after", time.Since(h.status.lastRead).Round(time.Millisecond))
	}
	h.status.readErr = err
	if err == nil {
		h.status.ready, h.status.lastRead = true, time.Now()
	}
	h.tellCurrent()
	close(h.read)
	h.read = make(chan struct{})
}

// noteListener keeps the listening connection's state, and says each change of it once.
func (h *Hub) noteListener(state string, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.status.listener != state {
		if state == Connected {
			h.logger.Info("listening for changes")
		} else if err != nil {
			h.logger.Warn("not listening for changes; the log is polled", "error", err)
		}
	}
	h.status.listener, h.status.listenErr = state, err
	h.metrics.listening.Set(map[string]float64{Connected: 1}[state])
}

// metrics are what the promise "seen" is kept with.
type metrics struct {
	streams   *prometheus.GaugeVec
	connects  *prometheus.CounterVec
	byes      *prometheus.CounterVec
	resyncs   *prometheus.CounterVec
	delivered prometheus.Counter
	lag       prometheus.Histogram
	listening prometheus.Gauge
}

func newMetrics(to prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		streams: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "autocrm_live_streams", Help: "Open streams and held polls."}, []string{"portal", "kind"}),
		connects: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "autocrm_live_connects_total", Help: "Streams and polls asked for, by how that went."}, []string{"portal", "kind", "result"}),
		byes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "autocrm_live_byes_total", Help: "Streams ended by the server, by reason."}, []string{"reason"}),
		resyncs: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "autocrm_live_resyncs_total", Help: "Cursors that could not be served, by reason."}, []string{"reason"}),
		delivered: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "autocrm_live_events_delivered_total", Help: "Change events written to streams and polls."}),
		lag: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "autocrm_live_lag_seconds", Help: "From a change's commit to its being handed to the streams.",
			Buckets: store.LagBounds}),
		listening: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "autocrm_live_listener_connected", Help: "1 while the LISTEN connection stands, 0 while the log is only polled."}),
	}
	for _, c := range []prometheus.Collector{m.streams, m.connects, m.byes, m.resyncs, m.delivered, m.lag, m.listening} {
		if err := to.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}
