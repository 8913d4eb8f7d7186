package postgres

import (
	"fmt"
	"os"
	"strings"
	"sync"
)

const (
	logSize = 1 << 20 // a file; one older one is kept
	logTail = 16 << 10
)

// logFile takes the server's log: to a file that stays small, and the end of it
// in memory, where the reason stands when a start fails.
type logFile struct {
	path string

	mu   sync.Mutex
	file *os.File
	size int64
	tail []byte
}

func openLog(path string) (*logFile, error) {
	l := &logFile{path: path}
	if err := l.open(); err != nil {
		return nil, fmt.Errorf("open PostgreSQL's log: %w", err)
	}
	return l, nil
}

func (l *logFile) open() error {
	file, err := os.OpenFile(l.path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	info, err := file.Stat()
	if err != nil {
		file.Close()
		return err
	}
	l.file, l.size = file, info.Size()
	return nil
}

// Write never fails: with a full disk the log loses lines, but were it to stop
// reading, the server would stop at its next line.
func (l *logFile) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tail = append(l.tail, p...)
	if extra := len(l.tail) - logTail; extra > 0 {
		l.tail = append(l.tail[:0], l.tail[extra:]...)
	}
	if l.size+int64(len(p)) > logSize && l.file != nil {
		l.file.Close()
		l.file = nil
		os.Rename(l.path, l.path+".1")
		l.open()
	}
	if l.file != nil {
		n, _ := l.file.Write(p)
		l.size += int64(n)
	}
	return len(p), nil
}

// forget empties the memory before another try.
func (l *logFile) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tail = nil
}

func (l *logFile) saw(text string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Contains(string(l.tail), text)
}

// reason is the last thing the server said that explains its end.
func (l *logFile) reason() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return reasonIn(string(l.tail))
}

// reasonIn finds, in what a program of PostgreSQL printed, why it gave up, and
// puts it in one line. What goes wrong early comes without a level.
func reasonIn(output string) string {
	reason := ""
	for line := range strings.Lines(output) {
		for _, level := range []string{"FATAL:", "PANIC:", "initdb: error:"} {
			if _, rest, ok := strings.Cut(line, level); ok {
				reason = strings.TrimSpace(rest)
			}
		}
	}
	if reason == "" {
		words := strings.Fields(output)
		reason = strings.Join(words[max(0, len(words)-50):], " ")
	}
	if reason == "" {
		reason = "it gave no reason"
	}
	return reason
}

func (l *logFile) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file != nil {
		l.file.Close()
		l.file = nil
	}
}
