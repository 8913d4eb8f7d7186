package chaos

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
)

// TestKilledNode ends the node by kill -9 while it is at each kind of work, and starts it again.
func TestKilledNode(t *testing.T) {
	t.Parallel()
	r := newRig(t, setup{})
	n := r.nodes[0]
	kill := func(t *testing.T, name string) {
		t.Helper()
		broke := time.Now()
		n.End(syscall.SIGKILL)
		n.start()
		healed := time.Now()
		r.flows(t, "again", healed, patience)
		until(t, "every page is live", patience, r.allLive)
		r.report(t, name, broke, healed, "down for "+rounded(healed.Sub(broke)).String())
	}

	t.Run("mid-request", func(t *testing.T) {
		for range 2 + 8*btoi(long) {
			r.write(t)
			before := r.underWay(t)
			kill(t, "node killed mid-request, "+before)
		}
		r.check(t, noResync)
	})

	t.Run("mid-upload", func(t *testing.T) {
		r.write(t)
		cora := r.customers[0]
		said := words("mid-upload")
		path, form := fmt.Sprintf("/tickets/%d/replies", cora.quiet), formOf(said)
		ended := make(chan error, 1)
		body := newStall(form, "half.bin", 4<<20)
		go func() {
			_, err := cora.do(cora.request(context.Background(), "POST", path, body.contentType, body))
			ended <- err
		}()
		<-body.stalled
		until(t, "half a file lies on the disk", patience, func() bool { return len(filesIn(t, r.files)) == 1 })
		kill(t, "node killed mid-upload")
		close(body.over)
		if err := <-ended; err == nil {
			t.Error("the upload was answered")
		}
		r.check(t, noResync)
		if n := one[int](t, r.db, `SELECT count(*)::int FROM attachments`); n != 0 {
			t.Errorf("%d attachments", n)
		}
		if n := one[int](t, r.db, `SELECT count(*)::int FROM ticket_activities WHERE content = $1`, said); n != 0 {
			t.Error("the reply is there without its file")
		}
		// An hour later it counts as left behind; the node tidies as it starts.
		left := filesIn(t, r.files)
		for _, file := range left {
			if err := os.Chtimes(file, time.Time{}, time.Now().Add(-2*time.Hour)); err != nil {
				t.Fatal(err)
			}
		}
		n.End(syscall.SIGTERM)
		n.start()
		until(t, fmt.Sprintf("the stray file is swept: %v", left), patience, func() bool { return len(filesIn(t, r.files)) == 0 })
	})

	t.Run("mid-transaction", func(t *testing.T) {
		r.write(t)
		cora, ctx := r.customers[0], context.Background()
		// The reply is written and its file is not: the table is locked in between.
		tx, err := r.db.owner.Begin(ctx)
		if err != nil {
			t.Fatal(err)
		}
		defer tx.Rollback(ctx)
		if _, err := tx.Exec(ctx, `LOCK TABLE attachments IN SHARE MODE`); err != nil {
			t.Fatal(err)
		}
		said := words("mid-transaction")
		path, form := fmt.Sprintf("/tickets/%d/replies", cora.quiet), formOf(said)
		send := func() (answer, error) {
			contentType, body := upload(form, "whole.txt", []byte("whole"))
			return cora.do(cora.request(ctx, "POST", path, contentType, bytes.NewReader(body)))
		}
		ended := make(chan error, 1)
		go func() {
			_, err := send()
			ended <- err
		}()
		until(t, "the transaction waits in its middle", patience, func() bool {
			return one[bool](t, r.db, `SELECT EXISTS (SELECT FROM pg_locks WHERE relation = 'attachments'::regclass AND NOT granted)`)
		})
		broke := time.Now()
		n.End(syscall.SIGKILL)
		if err := <-ended; err == nil {
			t.Error("the reply was answered")
		}
		if err := tx.Commit(ctx); err != nil {
			t.Fatal(err)
		}
		n.start()
		healed := time.Now()
		r.flows(t, "again", healed, patience)
		r.report(t, "node killed mid-transaction", broke, healed)
		until(t, "the lost transaction is over", patience, func() bool {
			return one[int](t, r.db, `SELECT count(*)::int FROM pg_stat_activity WHERE datname = current_database() AND state <> 'idle'
				AND wait_event_type = 'Lock'`) == 0
		})
		if n := one[int](t, r.db, `SELECT count(*)::int FROM ticket_activities WHERE content = $1`, said); n != 0 {
			t.Error("half a transaction is there")
		}
		// The same form sent again, twice even, makes it once, with its file.
		for range 2 {
			if got, err := send(); err != nil || got.status != http.StatusSeeOther {
				t.Errorf("sent again: %d, %v", got.status, err)
			}
		}
		if n := one[int](t, r.db, `SELECT count(*)::int FROM ticket_activities a JOIN attachments f ON f.activity_id = a.id WHERE content = $1`, said); n != 1 {
			t.Errorf("sent again it is there %d times", n)
		}
		r.check(t, noResync)
	})
}

// underWay says how many transactions the node has open at this moment, once it has one.
func (r *rig) underWay(t *testing.T) string {
	t.Helper()
	open := 0
	until(t, "a request is under way", patience, func() bool {
		open = one[int](t, r.db, `SELECT count(*)::int FROM pg_stat_activity
			WHERE datname = current_database() AND application_name = 'autocrm_web' AND xact_start IS NOT NULL`)
		return open > 0
	})
	return fmt.Sprintf("%d transactions open", open)
}

// formOf is a reply's form, which may be sent again.
func formOf(said string) map[string]string {
	return map[string]string{"id": uuid.NewString(), "content": said}
}

// upload makes the body of a form with a file.
func upload(form map[string]string, name string, content []byte) (contentType string, body []byte) {
	var whole bytes.Buffer
	w := multipart.NewWriter(&whole)
	for field, value := range form {
		w.WriteField(field, value)
	}
	file, _ := w.CreateFormFile("files", name)
	file.Write(content)
	w.Close()
	return w.FormDataContentType(), whole.Bytes()
}

// stall is such a body that stops in the middle of the file and never goes on.
type stall struct {
	contentType string
	half        *bytes.Reader
	stalled     chan struct{} // closed when half is sent
	once        sync.Once
	over        chan struct{} // whoever sends it gives up
}

func newStall(form map[string]string, name string, size int) *stall {
	contentType, body := upload(form, name, bytes.Repeat([]byte("half "), size/5))
	return &stall{contentType: contentType, half: bytes.NewReader(body[:len(body)/2]), stalled: make(chan struct{}), over: make(chan struct{})}
}

func (s *stall) Read(p []byte) (int, error) {
	if s.half.Len() > 0 {
		return s.half.Read(p)
	}
	s.once.Do(func() { close(s.stalled) })
	<-s.over
	return 0, io.ErrUnexpectedEOF
}

// filesIn lists the files below a folder.
func filesIn(t *testing.T, dir string) (files []string) {
	t.Helper()
	filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			files = append(files, path)
		}
		return nil
	})
	return files
}
