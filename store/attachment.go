package store

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"gocloud.dev/blob"
)

// MaxFileSize bounds one attachment, in bytes; MaxFiles the attachments of one message.
const (
	MaxFileSize = 25 << 20
	MaxFiles    = 10
)

// Attachment is a file of a ticket.
type Attachment struct {
	ID          uuid.UUID
	ActivityID  *uuid.UUID // nil: it came with the ticket's description
	FileName    string
	ContentType string // as sniffed from the content, never as the browser claimed
	Size        int64
	StorageKey  string
	CreatedAt   time.Time
}

// Picture says whether a browser may show the file in place: a raster image, in which nothing can run.
func (a Attachment) Picture() bool {
	switch a.ContentType {
	case "image/png", "image/jpeg", "image/gif", "image/webp":
		return true
	}
	return false
}

// Upload is a file that lies in the store of files and hangs on no ticket yet: a verb that takes it makes it
// an Attachment; Discard removes it.
type Upload struct {
	FileName    string
	ContentType string
	Size        int64
	SHA256      []byte
	StorageKey  string
}

// Upload copies a file to the store of files, a piece at a time. It fails with *Invalid (field "files") where
// the file is empty or larger than MaxFileSize, with one that is also ErrFiles where it cannot be kept, and with the
// reader's error where the upload breaks off; whichever it is, nothing is left behind.
func (s *Store) Upload(ctx context.Context, fileName string, content io.Reader) (_ Upload, err error) {
	up := Upload{FileName: cleanFileName(fileName), StorageKey: time.Now().UTC().Format("2006/01/02/") + rand.Text()}
	head := make([]byte, 512)
	n, err := io.ReadFull(content, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return Upload{}, fmt.Errorf("read the upload: %w", err)
	}
	if n == 0 {
		return Upload{}, invalid("files", "%s is empty.", up.FileName)
	}
	up.ContentType = http.DetectContentType(head[:n])

	// Cancelling is how a blob writer is told to drop what it has.
	writing, drop := context.WithCancel(ctx)
	defer drop()
	w, err := s.files.NewWriter(writing, up.StorageKey, &blob.WriterOptions{ContentType: up.ContentType, MaxConcurrency: 1, BufferSize: 1 << 20})
	if err != nil {
		return Upload{}, unkept(up, err)
	}
	hash := sha256.New()
	kept := &keeper{to: w}
	up.Size, err = io.Copy(io.MultiWriter(kept, hash), io.LimitReader(io.MultiReader(strings.NewReader(string(head[:n])), content), MaxFileSize+1))
	if err == nil && up.Size > MaxFileSize {
		err = invalid("files", "%s is larger than 25 MB.", up.FileName)
	}
	if err != nil {
		drop()
		w.Close()
		if kept.err != nil {
			return Upload{}, unkept(up, kept.err)
		}
		return Upload{}, err
	}
	if err := w.Close(); err != nil {
		return Upload{}, unkept(up, err)
	}
	up.SHA256 = hash.Sum(nil)
	return up, nil
}

// keeper remembers that it was the store of files that failed, and not the sender.
type keeper struct {
	to  io.Writer
	err error
}

func (k *keeper) Write(p []byte) (n int, err error) {
	n, k.err = k.to.Write(p)
	return n, k.err
}

func unkept(up Upload, err error) error {
	return fmt.Errorf("%w: %w: %w", invalid("files", "%s could not be kept: there is no room for files just now. "+
		"Send it later, or send the text without it.", up.FileName), ErrFiles, err)
}

// Discard removes uploads that no ticket took. What it cannot remove, the hourly sweep does.
func (s *Store) Discard(ctx context.Context, uploads []Upload) {
	for _, up := range uploads {
		_ = s.files.Delete(context.WithoutCancel(ctx), up.StorageKey)
	}
}

// OpenAttachment returns the file of that id and its content, which the caller closes. A file the actor may
// not see is ErrNotFound.
func (s *Store) OpenAttachment(ctx context.Context, actor Actor, id uuid.UUID) (_ Attachment, _ *blob.Reader, err error) {
	defer wrap(&err, "OpenAttachment(%s)", id)
	var found Attachment
	err = s.seeing(ctx, actor, func(tx pgx.Tx) (err error) {
		found, err = one[Attachment](tx.Query(ctx, attachmentColumns+` WHERE id = $1`, id))
		return err
	})
	if err != nil {
		return Attachment{}, nil, err
	}
	content, err := s.files.NewReader(ctx, found.StorageKey, nil)
	return found, content, err
}

const attachmentColumns = `
	SELECT id, activity_id, file_name, content_type, size, storage_key, created_at FROM attachments`

// attach makes uploads attachments of a ticket, of its description where activity is nil.
func attach(ctx context.Context, tx pgx.Tx, actor Actor, ticket uuid.UUID, activity *uuid.UUID, uploads []Upload) error {
	if len(uploads) > MaxFiles {
		return invalid("files", "Attach at most %d files to one message.", MaxFiles)
	}
	batch := &pgx.Batch{}
	for _, up := range uploads {
		batch.Queue(`
			INSERT INTO attachments (ticket_id, activity_id, uploader_id, file_name, content_type, size, sha256, storage_key)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
			ticket, activity, actor.UserID, up.FileName, up.ContentType, up.Size, up.SHA256, up.StorageKey)
	}
	return tx.SendBatch(ctx, batch).Close()
}

// cleanFileName keeps the last element of whatever path a browser sent, as one line of at most 255 characters.
func cleanFileName(name string) string {
	name = cleanLine(path.Base(strings.ReplaceAll(name, `\`, "/")))
	if name == "" || name == "." || name == "/" || name == ".." {
		name = "file"
	}
	if runes := []rune(name); len(runes) > 255 {
		ext := []rune(path.Ext(name))
		if len(ext) > 16 {
			ext = nil
		}
		name = string(runes[:255-len(ext)]) + string(ext)
	}
	return name
}
