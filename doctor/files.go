package doctor

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"
)

// examineFiles writes a small file where the attachments are, reads it and takes it away.
func (d *doctor) examineFiles(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, d.pace.ask)
	defer cancel()
	found := make(chan Finding, 1)
	go func() { found <- d.tryFiles(ctx) }()
	select {
	case f := <-found:
		d.report.add(f)
	case <-ctx.Done(): // a folder over the network may hang whatever a context says
		d.report.add(Finding{Subject: "files", Check: "attachments", Level: Error,
			Sentence: fmt.Sprintf("The store of attachments does not answer within %s.", span(d.pace.ask)),
			Cause:    "The network folder or the bucket cannot be reached.", Cure: "See whether BLOB_URL or DATA_DIR is right, and what it is mounted from."})
	}
}

func (d *doctor) tryFiles(ctx context.Context) Finding {
	began := time.Now()
	doing, err := "open", d.FilesErr
	if d.Files == nil && err == nil {
		err = errors.New("there is no store of attachments")
	}
	// In no folder: an empty one would be left behind. Uploads are kept by day, and are not disturbed.
	key, text := "doctor-"+rand.Text(), []byte("A canary of autocrm doctor.")
	if err == nil {
		doing, err = "written to", d.Files.WriteAll(ctx, key, text, nil)
	}
	if err == nil {
		var got []byte
		doing = "read"
		if got, err = d.Files.ReadAll(ctx, key); err == nil && !bytes.Equal(got, text) {
			err = errors.New("it does not give back what was written")
		}
		// Whatever reading said, the canary goes.
		if failed := d.Files.Delete(context.WithoutCancel(ctx), key); failed != nil && err == nil {
			doing, err = "deleted from", failed
		}
	}
	f := Finding{Subject: "files", Check: "attachments", Sentence: fmt.Sprintf("Written, read and deleted in %s.", span(time.Since(began)))}
	if err != nil {
		f.Level, f.Sentence = Error, fmt.Sprintf("The store of attachments cannot be %s: %s.", doing, oneLine(err))
		f.Cause = "The folder or bucket is not there, is full, or this user may not use it."
		f.Cure = "See whether BLOB_URL or DATA_DIR is right, and who owns it: the doctor and `autocrm serve` must run as the same user."
	}
	return f
}
