package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// app is a running AutoCRM.
type app struct {
	process *exec.Cmd
	scheme  string
	port    string
	ready   time.Duration // from starting the process to /readyz saying yes
	output  *bytes.Buffer
}

// start runs serve with the environment's additions and waits until it is ready.
func start(ctx context.Context, binary string, env ...string) (*app, error) {
	probe, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	address := probe.Addr().String()
	probe.Close()
	a := &app{process: exec.CommandContext(ctx, binary, "serve"), scheme: "http", output: &bytes.Buffer{}}
	if slices.ContainsFunc(env, func(s string) bool { return strings.HasPrefix(s, "TLS_CERT=/") }) {
		a.scheme = "https"
	}
	_, a.port, _ = net.SplitHostPort(address)
	a.process.Env = append(os.Environ(), append(env, "LISTEN_ADDR="+address, "LOG_LEVEL=warn")...)
	a.process.Stdout, a.process.Stderr = a.output, a.output
	a.process.Cancel = func() error { return a.process.Process.Signal(syscall.SIGTERM) }
	begun := time.Now()
	if err := a.process.Start(); err != nil {
		return nil, err
	}
	ended := make(chan error, 1)
	go func() { ended <- a.process.Wait() }()
	for {
		request, _ := http.NewRequestWithContext(ctx, http.MethodGet, a.scheme+"://"+address+"/readyz", nil)
		request.Host = "client.localhost"
		if response, err := asking.Do(request); err == nil {
			response.Body.Close()
			if response.StatusCode == http.StatusOK {
				a.ready = time.Since(begun)
				return a, nil
			}
		}
		select {
		case err := <-ended:
			return nil, fmt.Errorf("autocrm ended: %v\n%s", err, a.output)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// asking takes the certificate for what it is: one of this program's own.
var asking = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}

// stop ends the process and waits until its port is free.
func (a *app) stop() {
	_ = a.process.Process.Signal(syscall.SIGTERM)
	for a.process.ProcessState == nil {
		time.Sleep(5 * time.Millisecond)
	}
}

// memory is the process's resident memory in KiB.
func (a *app) memory() (kib int) {
	out, _ := exec.Command("ps", "-o", "rss=", "-p", strconv.Itoa(a.process.Process.Pid)).Output()
	kib, _ = strconv.Atoi(strings.TrimSpace(string(out)))
	return kib
}

// measureStart starts AutoCRM with its private PostgreSQL on an empty folder and thrice on the used one.
func measureStart(ctx context.Context, binary, dir string) error {
	fmt.Println("from serve to /readyz, with the private PostgreSQL")
	for _, name := range []string{"empty directory", "used directory", "used directory", "used directory"} {
		a, err := start(ctx, binary, "DATA_DIR="+dir)
		if err != nil {
			return err
		}
		// Idle: after the collector has had its turn.
		select {
		case <-time.After(3 * time.Second):
		case <-ctx.Done():
		}
		fmt.Printf("  %-16s %6.2f s   idle memory %5.1f MB\n", name, a.ready.Seconds(), float64(a.memory())/1024)
		a.stop()
	}
	return ctx.Err()
}
