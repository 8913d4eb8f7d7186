package web

import (
	"net/http"
	"strconv"
	"time"

	"autocrm/store"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

type metrics struct{ duration *prometheus.HistogramVec }

func newMetrics(to prometheus.Registerer) (*metrics, error) {
	m := &metrics{duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "autocrm_http_request_seconds",
		Help:    "Time to answer a request, by portal, route and status. Streams are counted by the live metrics.",
		Buckets: []float64{.002, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10},
	}, []string{"portal", "route", "method", "status"})}
	return m, to.Register(m.duration)
}

func (m *metrics) observe(portal store.Role, route, method string, status int, took time.Duration) {
	if route == "/live" || route == "/live/poll" {
		return // they last as long as they last
	}
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost:
	default:
		method = "other" // a label must not be whatever a stranger sends
	}
	m.duration.WithLabelValues(string(portal), route, method, strconv.Itoa(status)).Observe(took.Seconds())
}

// Metrics is what METRICS_ADDR serves: /metrics, and /healthz for whoever cannot send a portal's host name.
func Metrics(from prometheus.Gatherer) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(from, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Write([]byte("ok\n"))
	})
	return mux
}
