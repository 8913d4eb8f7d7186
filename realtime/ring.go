package realtime

import (
	"sort"

	"autocrm/store"
)

// ring holds the newest commits, so that streams which were away for a while are answered without a query.
// It is bounded by commits and by signals: one bulk change may hold thousands.
type ring struct {
	commits    []*commit
	size       int
	floor      int64 // every commit above this place that there is, is in commits
	maxCommits int
	maxSignals int
}

func (r *ring) reset(floor int64) {
	r.commits, r.size, r.floor = nil, 0, floor
}

func (r *ring) add(c *commit) {
	r.commits = append(r.commits, c)
	r.size += c.size
	for len(r.commits) > 1 && (len(r.commits) > r.maxCommits || r.size > r.maxSignals) {
		r.floor = r.commits[0].place
		r.size -= r.commits[0].size
		r.commits[0] = nil
		r.commits = r.commits[1:]
	}
}

// since gives what the commits above place tell viewer. ok is false where the ring does not reach back so far, and
// where no commit has that place.
func (r *ring) since(place int64, viewer store.Actor) (batches []*batch, ok bool) {
	first := sort.Search(len(r.commits), func(i int) bool { return r.commits[i].place > place })
	if place != r.floor && (first == 0 || r.commits[first-1].place != place) {
		return nil, false
	}
	for _, c := range r.commits[first:] {
		if b := c.tells(viewer); b != nil {
			batches = append(batches, b)
		}
	}
	return batches, true
}
