package chaos

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestFullDisk fills the disk of the attachments: files are refused with words beside the field and the text kept,
// nothing is left behind, and whatever has no file works on.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	files := smallDisk(t, "2m")
	r := newRig(t, setup{files: files})
	r.write(t)
	ctx, cora := context.Background(), r.customers[0]
	send := func(name string, size int) (said string, got answer) {
		t.Helper()
		said = words("reply with " + name)
		contentType, body := upload(formOf(said), name, bytes.Repeat([]byte("full "), size/5))
		got, err := cora.do(cora.request(ctx, "POST", fmt.Sprintf("/tickets/%d/replies", cora.quiet), contentType, bytes.NewReader(body)))
		if err != nil {
			t.Fatal(err)
		}
		return said, got
	}
	if _, got := send("small.txt", 1000); got.status != http.StatusSeeOther {
		t.Fatalf("a small file is answered %d", got.status)
	}
	before := filesIn(t, files)
	broke := time.Now()
	for range 3 {
		said, got := send("large.txt", 4<<20)
		if got.status != http.StatusUnprocessableEntity || !strings.Contains(got.body, "large.txt could not be kept") || !strings.Contains(got.body, said) {
			t.Errorf("a full disk is answered %d, without words or the text:\n%.300s", got.status, got.body)
		}
		if id := got.header.Get("X-Request-Id"); !strings.Contains(r.nodes[0].Said(), `level=ERROR msg=request id=`+id) {
			t.Errorf("no line in the log tells of %s", id)
		}
		if after := filesIn(t, files); len(after) != len(before) {
			t.Errorf("left behind: %v", after)
		}
		if n := one[int](t, r.db, `SELECT count(*)::int FROM ticket_activities WHERE content = $1`, said); n != 0 {
			t.Error("the reply is there without its file")
		}
	}
	r.flows(t, "with a full disk", broke, patience)
	if err := syscall.Mount("tmpfs", files, "tmpfs", syscall.MS_REMOUNT, "size=64m"); err != nil {
		t.Fatal(err)
	}
	healed := time.Now()
	if _, got := send("large.txt", 4<<20); got.status != http.StatusSeeOther {
		t.Errorf("with room again: %d", got.status)
	}
	r.flows(t, "again", healed, patience)
	r.report(t, "disk of the attachments full", broke, healed)
	r.check(t, noResync)
}

// smallDisk is a file system of its own, of so many bytes.
func smallDisk(t *testing.T, size string) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "autocrm-chaos-disk-")
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		os.Remove(dir)
		t.Skipf("a small file system cannot be made here (%v): only root on Linux may", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
		os.Remove(dir)
	})
	return dir
}
