package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// crowd is the readers of one side, on bare sockets: what reads must cost little, it is measured along.
type crowd struct {
	side    side
	conns   []net.Conn
	cursors []string
	arrived atomic.Int64         // changes of tickets
	late    [20000]atomic.Uint32 // how many took so many tenths of a millisecond

	told     [readers]atomic.Int64 // when a reader was last told of a change, in microseconds
	answered [readers]atomic.Int64 // when whoever made the last change for this reader alone had the answer
}

func newCrowd(s side) *crowd {
	return &crowd{side: s, conns: make([]net.Conn, readers), cursors: make([]string, readers)}
}

// open connects everybody, each after a random part of spread, and returns when all have been greeted.
func (c *crowd) open(ctx context.Context, spread time.Duration) (took time.Duration, err error) {
	begun := time.Now()
	failed := make(chan error, readers)
	knocking := make(chan struct{}, 500) // a listener's backlog is no more than some hundreds
	for i := range readers {
		go func() {
			if spread > 0 {
				time.Sleep(time.Duration(rand.Int64N(int64(spread))))
			}
			var err error
			for attempt := range 6 {
				knocking <- struct{}{}
				err = c.connect(i)
				<-knocking
				if err == nil {
					break
				}
				time.Sleep(100*time.Millisecond + time.Duration(rand.Int64N(int64(time.Second)<<attempt)))
			}
			failed <- err
		}()
	}
	for range readers {
		select {
		case e := <-failed:
			if e != nil {
				err = e
			}
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
	return time.Since(begun), err
}

// connect returns once the greeting has come, and goes on reading beside.
func (c *crowd) connect(i int) error {
	conn, err := net.DialTimeout("tcp", c.side.address(), 5*time.Second)
	if err != nil {
		return err
	}
	if _, err := conn.Write([]byte(c.side.request(i, c.cursors[i]))); err != nil {
		conn.Close()
		return err
	}
	greeted := make(chan error, 1)
	go c.read(i, conn, greeted)
	select {
	case err = <-greeted:
	case <-time.After(10 * time.Second):
		err = errors.New("no greeting within 10 s")
	}
	if err != nil {
		conn.Close()
		return err
	}
	c.conns[i] = conn
	return nil
}

var (
	changeLine = []byte(`data: {"topic":"ticket`)
	helloLine  = []byte("event: hello")
	idLine     = []byte("id: ")
)

func (c *crowd) read(i int, conn net.Conn, greeted chan<- error) {
	var held []byte
	buffer := make([]byte, 4096)
	first, live := true, false
	cursor := ""
	for {
		n, err := conn.Read(buffer)
		if err != nil {
			if !live {
				greeted <- err
			}
			return
		}
		now := time.Now().UnixMicro()
		data := buffer[:n]
		if len(held) > 0 {
			held = append(held, data...)
			data = held
		}
		for {
			end := bytes.IndexByte(data, '\n')
			if end < 0 {
				break
			}
			line := data[:end]
			data = data[end+1:]
			if first && !strings.Contains(string(line), " 200 ") {
				greeted <- fmt.Errorf("answered %s", line)
				return
			}
			first = false
			switch {
			case bytes.HasPrefix(line, changeLine):
				c.note(line[len(changeLine):], now)
				c.told[i].Store(now)
			case bytes.HasPrefix(line, idLine):
				cursor = string(line[len(idLine):])
			case !live && bytes.HasPrefix(line, helloLine):
				live = true
				c.cursors[i] = cursor
				greeted <- nil
			}
		}
		held = append(held[:0], data...)
	}
}

// note counts `-1042","version":3}`, and of `s","version":1700000000000000}` how old it is: the version of a
// list is the time of the commit.
func (c *crowd) note(rest []byte, now int64) {
	if rest[0] == '-' {
		c.arrived.Add(1)
		return
	}
	_, version, _ := bytes.Cut(rest, []byte(`"version":`))
	at, err := strconv.ParseInt(string(bytes.TrimRight(version, "}\r")), 10, 64)
	if err != nil {
		return
	}
	tenths := min(max((now-at)/100, 0), int64(len(c.late)-1))
	c.late[tenths].Add(1)
}

func (c *crowd) reset() {
	c.arrived.Store(0)
	for i := range c.late {
		c.late[i].Store(0)
	}
}

// since gives how long after the answer to its maker each reader's own change arrived; 0 where it was there before.
func (c *crowd) since() (all []time.Duration) {
	for i := range readers {
		if answered := c.answered[i].Load(); answered > 0 {
			all = append(all, max(0, time.Duration(c.told[i].Load()-answered)*time.Microsecond))
		}
	}
	return all
}

// wait gives what is under way some seconds to arrive.
func (c *crowd) wait(ctx context.Context, expected int64) {
	for end := time.Now().Add(8 * time.Second); c.arrived.Load() < expected && time.Now().Before(end) && ctx.Err() == nil; {
		time.Sleep(5 * time.Millisecond)
	}
}

func (c *crowd) quantile(q float64) time.Duration {
	var total, sum float64
	for i := range c.late {
		total += float64(c.late[i].Load())
	}
	for i := range c.late {
		if sum += float64(c.late[i].Load()); sum >= q*total {
			return time.Duration(i) * 100 * time.Microsecond
		}
	}
	return 0
}

// cut ends every connection without a word, as a network does.
func (c *crowd) cut() {
	var all sync.WaitGroup
	for _, conn := range c.conns {
		all.Go(func() {
			if tcp, ok := conn.(*net.TCPConn); ok {
				tcp.SetLinger(0)
			}
			if conn != nil {
				conn.Close()
			}
		})
	}
	all.Wait()
}

func (c *crowd) close() { c.cut() }

func quantile(all []time.Duration, q float64) time.Duration {
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return all[int(q*float64(len(all)-1))]
}

// memory is a process's resident memory in KiB.
func memory(pid int) (kib int) {
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			fmt.Sscan(rest, &kib)
		}
	}
	return kib
}

// processorTime is what a process has used of the cores.
func processorTime(pid int) time.Duration {
	stat, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	_, rest, _ := strings.Cut(string(stat), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0
	}
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return time.Duration(user+system) * 10 * time.Millisecond // USER_HZ is 100 on every Linux that Go runs on
}
