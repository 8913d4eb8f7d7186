package handlers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"os"
	"strings"

	"autocrm/store"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"
)

// message is a form with a text and files, as the composer and the new ticket send it. The files lie in the
// store of files already; a verb takes them, or discard removes them.
type message struct {
	fields url.Values
	files  []store.Upload
	wrong  string // what is wrong with the files, in words
	failed error  // for the log, where that is not the sender's fault
	store  *store.Store

	texts, textBytes int // fields that have come, and what is in them
}

// All fields of a form together. They are held in memory, so the bound of the whole body, which is for files,
// must not be theirs.
const (
	mostTexts     = 32
	mostTextBytes = 1 << 20 // five times what 50,000 characters of four bytes need
	mostFormBytes = 2 << 20 // the same without files, where such a character comes as twelve bytes
)

// readMessage streams the form from the wire, a part at a time: nothing of a file is held in memory. Where it
// fails, or the connection breaks off, the files that had come are removed again.
func (p *Portal) readMessage(c echo.Context) (m *message, err error) {
	kind, _, _ := mime.ParseMediaType(c.Request().Header.Get(echo.HeaderContentType))
	if kind != "multipart/form-data" {
		c.Request().Body = http.MaxBytesReader(c.Response(), c.Request().Body, mostFormBytes)
		fields, err := Form(c)
		return &message{fields: fields, store: p.Store}, err
	}
	parts, err := c.Request().MultipartReader()
	if err != nil {
		return nil, echo.NewHTTPError(http.StatusBadRequest, "The form came broken. Send it again.")
	}
	m = &message{fields: url.Values{}, store: p.Store}
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return m, nil
		}
		if err == nil {
			err = m.take(c.Request().Context(), part)
		}
		if err != nil {
			m.discard(c)
			return nil, brokenOff(err)
		}
	}
}

// take reads one part. What is wrong with a file is kept for the form; an error ends the request.
func (m *message) take(ctx context.Context, part *multipart.Part) error {
	if part.FileName() == "" {
		return m.takeField(part)
	}
	if m.wrong != "" {
		return nil // refused already: NextPart reads past the rest
	}
	if len(m.files) == store.MaxFiles {
		m.wrong = fmt.Sprintf("Attach at most %d files to one message.", store.MaxFiles)
		return nil
	}
	up, err := m.store.Upload(ctx, part.FileName(), part)
	var wrong *store.Invalid
	if errors.As(err, &wrong) {
		m.wrong = wrong.Fields["files"]
		if errors.Is(err, store.ErrFiles) {
			m.failed = err
		}
		return nil
	}
	if err != nil {
		return err
	}
	m.files = append(m.files, up)
	return nil
}

func (m *message) takeField(part *multipart.Part) error {
	// A file input in which nothing was chosen sends a part without a name.
	if part.FormName() == "files" {
		return nil
	}
	text, err := io.ReadAll(io.LimitReader(part, int64(mostTextBytes-m.textBytes+1)))
	if err != nil {
		return err
	}
	m.texts, m.textBytes = m.texts+1, m.textBytes+len(text)
	if m.texts > mostTexts || m.textBytes > mostTextBytes {
		return &http.MaxBytesError{Limit: mostTextBytes}
	}
	m.fields.Add(part.FormName(), strings.ReplaceAll(strings.ToValidUTF8(string(text), "\uFFFD"), "\x00", ""))
	return nil
}

// brokenOff is what an unreadable body is told as. Whoever hung up hears nothing; but a form that ends in the
// middle is the sender's fault, not a failure of ours.
func brokenOff(err error) error {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return err
	}
	var malformed textproto.ProtocolError // a part's header, such as a file name with a NUL in it
	if errors.As(err, &malformed) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) || errors.Is(err, context.Canceled) || errors.Is(err, os.ErrDeadlineExceeded) ||
		strings.Contains(err.Error(), "multipart:") {
		return echo.NewHTTPError(http.StatusBadRequest, "The form broke off on its way. Nothing was sent; try again.").SetInternal(err)
	}
	return err
}

// id is the id of what this form makes. The form's own id makes a second sending harmless; what was written is
// part of it, so that a form that came back from the browser's history and says something else now is sent.
func (m *message) id(kind string) uuid.UUID {
	form, err := uuid.Parse(m.fields.Get("id"))
	if err != nil {
		return uuid.New()
	}
	said := kind + "\x00" + m.fields.Get("subject") + "\x00" + m.fields.Get("description") + "\x00" + m.fields.Get("content")
	for _, file := range m.files {
		said += "\x00" + file.FileName + "\x00" + string(file.SHA256)
	}
	return uuid.NewSHA1(form, []byte(said))
}

// check says beside the field that a file was refused.
func (m *message) check() error {
	if m.wrong == "" {
		return nil
	}
	return &store.Invalid{Fields: map[string]string{"files": m.wrong}}
}

// refused removes the files where the verb refused them, and returns the words for the form. A browser cannot
// give chosen files back to a page that it loads anew, so the page says that they are to be chosen again; htmx
// keeps the page, and the choice with it.
func (m *message) refused(c echo.Context, err error) (map[string]string, error) {
	var wrong *store.Invalid
	if !errors.As(err, &wrong) {
		if errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrForbidden) || errors.Is(err, store.ErrConflict) {
			m.discard(c)
		}
		// After any other failure the change may stand all the same, and own the files. The sweep of files
		// that nothing refers to will know.
		return nil, err
	}
	m.discard(c)
	if len(m.files) > 0 && wrong.Fields["files"] == "" && !IsFragment(c) {
		words := map[string]string{"files": "Choose the files again (" + m.fileNames() + "): a browser does not keep them."}
		for field, text := range wrong.Fields {
			words[field] = text
		}
		return words, nil
	}
	return wrong.Fields, nil
}

func (m *message) fileNames() string {
	var names []string
	for _, file := range m.files {
		names = append(names, file.FileName)
	}
	return strings.Join(names, ", ")
}

func (m *message) discard(c echo.Context) { m.store.Discard(c.Request().Context(), m.files) }
