package doctor

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/url"
	"sync"
	"testing"

	"autocrm/store/storetest"

	"github.com/jackc/pgx/v5"
)

// pooler stands before PostgreSQL as poolers in transaction mode do: a session gets whatever connection is free
// for each of its transactions.
type pooler struct {
	network, target string

	mu   sync.Mutex
	free []net.Conn
	all  []net.Conn
}

// startPooler returns db's address through a pooler.
func startPooler(t *testing.T, db *storetest.DB) string {
	t.Helper()
	config, err := pgx.ParseConfig(db.URL)
	if err != nil {
		t.Fatal(err)
	}
	p := &pooler{}
	p.network, p.target = pgxNetwork(config)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var sessions sync.WaitGroup
	sessions.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			p.keep(client)
			sessions.Go(func() { p.serve(client) })
		}
	})
	t.Cleanup(func() {
		listener.Close()
		p.mu.Lock()
		for _, conn := range p.all {
			conn.Close()
		}
		p.mu.Unlock()
		sessions.Wait()
	})
	return (&url.URL{Scheme: "postgres", User: url.User(config.User), Host: listener.Addr().String(), Path: config.Database,
		RawQuery: "sslmode=disable"}).String()
}

func pgxNetwork(config *pgx.ConnConfig) (network, address string) {
	if config.Host[0] == '/' {
		return "unix", config.Host + "/.s.PGSQL." + fmt.Sprint(config.Port)
	}
	return "tcp", net.JoinHostPort(config.Host, fmt.Sprint(config.Port))
}

func (p *pooler) keep(conn net.Conn) {
	p.mu.Lock()
	p.all = append(p.all, conn)
	p.mu.Unlock()
}

func (p *pooler) serve(client net.Conn) {
	defer client.Close()
	startup, err := message(client, 0)
	if err != nil {
		return
	}
	server, err := net.Dial(p.network, p.target)
	if err != nil {
		return
	}
	p.keep(server)
	if _, err := server.Write(startup); err != nil {
		return
	}
	if _, err := untilReady(server, client); err != nil {
		return
	}
	p.give(server)
	server = nil
	for {
		asked, err := message(client, 1)
		if err != nil || asked[0] == 'X' {
			return
		}
		if server == nil {
			server = p.take()
		}
		if _, err := server.Write(asked); err != nil {
			return
		}
		if asked[0] != 'Q' && asked[0] != 'S' {
			continue
		}
		status, err := untilReady(server, client)
		if err != nil {
			return
		}
		if status == 'I' { // the transaction is over
			p.give(server)
			server = nil
		}
	}
}

func (p *pooler) give(conn net.Conn) {
	p.mu.Lock()
	p.free = append(p.free, conn)
	p.mu.Unlock()
}

// take gives the connection that was used last, of which there are as many as sessions.
func (p *pooler) take() net.Conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	last := len(p.free) - 1
	conn := p.free[last]
	p.free = p.free[:last]
	return conn
}

// untilReady passes answers on up to ReadyForQuery, whose transaction status it returns.
func untilReady(server io.Reader, client io.Writer) (status byte, err error) {
	for {
		answer, err := message(server, 1)
		if err != nil {
			return 0, err
		}
		if _, err := client.Write(answer); err != nil {
			return 0, err
		}
		if answer[0] == 'Z' {
			return answer[5], nil
		}
	}
}

// message reads one message of the protocol, which has kind bytes before its length.
func message(from io.Reader, kind int) ([]byte, error) {
	head := make([]byte, kind+4)
	if _, err := io.ReadFull(from, head); err != nil {
		return nil, err
	}
	whole := make([]byte, kind+int(binary.BigEndian.Uint32(head[kind:])))
	copy(whole, head)
	_, err := io.ReadFull(from, whole[len(head):])
	return whole, err
}
