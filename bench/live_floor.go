package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// serveFloor is the least that a Go program can do to hold streams open: net/http, a goroutine and a channel
// of 16 a stream, no database, no rights, no replay. It is what AutoCRM is compared with.
func serveFloor(listener net.Listener, cert, key string) error {
	var mu sync.RWMutex
	streams := map[string]chan []byte{}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /live", func(w http.ResponseWriter, r *http.Request) {
		key, queue := r.URL.Query().Get("reader"), make(chan []byte, 16)
		mu.Lock()
		streams[key] = queue
		mu.Unlock()
		rc := http.NewResponseController(w)
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprint(w, "event: hello\ndata: {}\n\n")
		rc.Flush()
		for {
			select {
			case <-r.Context().Done():
				return
			case event := <-queue:
				rc.SetWriteDeadline(time.Now().Add(10 * time.Second))
				w.Write(event)
				rc.Flush()
			}
		}
	})
	mux.HandleFunc("POST /change", func(w http.ResponseWriter, r *http.Request) {
		id := strings.Repeat("c", 86) // as long as a sealed cursor
		event := fmt.Appendf(nil, "id: %s\nevent: change\ndata: {\"topic\":\"ticket-%s\",\"version\":1}\n\nid: %s\nevent: change\ndata: {\"topic\":\"tickets\",\"version\":%d}\n\n",
			id, r.URL.Query().Get("n"), id, time.Now().UnixMicro())
		mu.RLock()
		defer mu.RUnlock()
		if reader := r.URL.Query().Get("reader"); reader != "" {
			streams[reader] <- event
			return
		}
		for _, queue := range streams {
			select {
			case queue <- event:
			default: // it is lost, and will be missed
			}
		}
	})
	if cert != "" {
		return http.ServeTLS(listener, mux, cert, key)
	}
	return http.Serve(listener, mux)
}

type floor struct {
	cmd  *exec.Cmd
	base string
	http *http.Client
}

func startFloor(ctx context.Context, secure certificate) (side, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	defer listener.Close()
	file, err := listener.(*net.TCPListener).File()
	if err != nil {
		return nil, err
	}
	defer file.Close()
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	f := &floor{cmd: exec.CommandContext(ctx, self, "floor", secure.cert, secure.key), base: listener.Addr().String(), http: &http.Client{}}
	f.cmd.ExtraFiles = []*os.File{file}
	f.cmd.Stderr = os.Stderr
	return f, f.cmd.Start()
}

func (f *floor) name() string    { return "bare loop" }
func (f *floor) address() string { return f.base }
func (f *floor) process() int    { return f.cmd.Process.Pid }

func (f *floor) request(reader int, _ string) string {
	return "GET /live?reader=" + strconv.Itoa(reader) + " HTTP/1.1\r\nHost: " + f.base + "\r\nAccept: text/event-stream\r\n\r\n"
}

func (f *floor) changeOne(ctx context.Context, reader int) error {
	return f.post(ctx, fmt.Sprintf("reader=%d&n=%d", reader, 1000+reader))
}

func (f *floor) changeAll(ctx context.Context, n int) error {
	return f.post(ctx, fmt.Sprintf("n=%d", 1000+n))
}

func (f *floor) post(ctx context.Context, query string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+f.base+"/change?"+query, nil)
	if err != nil {
		return err
	}
	response, err := f.http.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	io.Copy(io.Discard, response.Body)
	if response.StatusCode != http.StatusOK {
		return errors.New(response.Status)
	}
	return nil
}

func (f *floor) stop() {
	f.cmd.Process.Signal(syscall.SIGKILL)
	f.cmd.Wait()
}
