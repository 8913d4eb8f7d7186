package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"

	"autocrm/migrations"
	"autocrm/postgres"
	"autocrm/store"
	"autocrm/web/auth"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

const liveSecret = "a secret of the bench of more than thirty-two bytes"

// crowdPeople are the customers and agents of the database, and the tokens of their sessions.
type crowdPeople struct {
	pool   *pgxpool.Pool
	tokens map[store.Role][][]byte
}

func (p *crowdPeople) close() { p.pool.Close() }

// fillLive makes as many customers, with a ticket each, and agents as there are readers. Nobody could sign in
// so often within the limits that keep guessers off: their sessions are made here.
func fillLive(ctx context.Context, owner string) (*crowdPeople, error) {
	if _, err := migrations.Apply(ctx, owner); err != nil {
		return nil, err
	}
	config, err := pgxpool.ParseConfig(owner)
	if err != nil {
		return nil, err
	}
	config.MaxConns = 4
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	p := &crowdPeople{pool: pool, tokens: map[store.Role][][]byte{}}
	return p, pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SET LOCAL session_replication_role = replica`); err != nil {
			return err
		}
		for _, role := range []store.Role{store.Client, store.Agent} {
			var hashes [][]byte
			for range readers {
				token := make([]byte, 32)
				rand.Read(token)
				hash := sha256.Sum256(token)
				p.tokens[role], hashes = append(p.tokens[role], token), append(hashes, hash[:])
			}
			_, err := tx.Exec(ctx, `
				WITH people AS (
					INSERT INTO users (email, full_name, user_role)
						SELECT $1 || n || '@example.com', initcap($1) || ' ' || n, $1 FROM generate_series(1, $3::int) n
						RETURNING id, email)
				INSERT INTO sessions (token_hash, user_id, portal, idle_expires_at, expires_at)
					SELECT h.hash, p.id, $1, now() + interval '1 day', now() + interval '1 day'
					FROM unnest($2::bytea[]) WITH ORDINALITY h(hash, n) JOIN people p ON p.email = $1 || h.n || '@example.com'`,
				string(role), hashes, readers)
			if err != nil {
				return err
			}
		}
		_, err := tx.Exec(ctx, `
			INSERT INTO tickets (number, client_id, subject, description) OVERRIDING SYSTEM VALUE
				SELECT 100000 + n, u.id, 'Matter ' || n, 'Words' FROM generate_series(1, $1::int) n
				JOIN users u ON u.email = 'client' || n || '@example.com'`, readers)
		return err
	})
}

// desk is AutoCRM with one kind of reader.
type desk struct {
	app     *app
	people  *crowdPeople
	role    store.Role
	cookies []string
	metrics string
	staff   *http.Client
}

func startDesk(ctx context.Context, binary, dir string, server *postgres.Server, people *crowdPeople, role store.Role, secure certificate) (side, error) {
	d := &desk{people: people, role: role, staff: &http.Client{}}
	probe, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	d.metrics = probe.Addr().String()
	probe.Close()
	d.app, err = start(ctx, binary, "DATA_DIR="+dir, "DATABASE_URL="+server.URL("autocrm_web", "autocrm"),
		"DATABASE_OWNER_URL="+server.URL(postgres.Superuser, "autocrm"), "SECRET_KEY="+liveSecret, "METRICS_ADDR="+d.metrics,
		"TLS_CERT="+secure.cert, "TLS_KEY="+secure.key)
	if err != nil {
		return nil, err
	}
	for _, token := range people.tokens[d.role] {
		cookie, err := d.cookie(d.role, token)
		if err != nil {
			return nil, err
		}
		d.cookies = append(d.cookies, cookie)
	}
	return d, nil
}

// cookie is what the portal of role would have given the browser that token's session was made for.
func (d *desk) cookie(role store.Role, token []byte) (string, error) {
	gate := auth.NewGate(&store.Store{Limits: store.DefaultLimits}, role, &url.URL{Scheme: d.app.scheme, Host: d.host(role)}, [][]byte{[]byte(liveSecret)})
	w := httptest.NewRecorder()
	if err := gate.Admit(w, httptest.NewRequest(http.MethodGet, "/", nil), store.Session{Token: token}); err != nil {
		return "", err
	}
	cookie, _, _ := strings.Cut(w.Header().Get("Set-Cookie"), ";")
	return cookie, nil
}

func (d *desk) host(role store.Role) string { return string(role) + ".localhost" }

func (d *desk) name() string    { return "AutoCRM" }
func (d *desk) address() string { return "127.0.0.1:" + d.app.port }
func (d *desk) process() int    { return d.app.process.Process.Pid }
func (d *desk) stop()           { d.app.stop() }

func (d *desk) request(reader int, cursor string) string {
	last := ""
	if cursor != "" {
		last = "Last-Event-ID: " + cursor + "\r\n"
	}
	return "GET /live HTTP/1.1\r\nHost: " + d.host(d.role) + "\r\nAccept: text/event-stream\r\nCookie: " + d.cookies[reader] + "\r\n" + last + "\r\n"
}

func (d *desk) changeOne(ctx context.Context, reader int) error {
	return d.change(ctx, 100001+reader, 1)
}

func (d *desk) changeAll(ctx context.Context, n int) error {
	return d.change(ctx, 100001+n%readers, 1)
}

// change changes so many tickets from a number on, two events each.
func (d *desk) change(ctx context.Context, from, tickets int) error {
	_, err := d.people.pool.Exec(ctx, `UPDATE tickets SET priority = CASE priority WHEN 'low' THEN 'high' ELSE 'low' END WHERE number BETWEEN $1 AND $2`,
		from, from+tickets-1)
	return err
}

func (d *desk) ordinaryPage(ctx context.Context) error {
	return d.get(ctx, d.staff, store.Agent, 0, "/tickets")
}

// counts reads from the metrics how many resumes needed the database.
func (d *desk) counts() (resumed, queried int, err error) {
	response, err := http.Get("http://" + d.metrics + "/metrics")
	if err != nil {
		return 0, 0, err
	}
	defer response.Body.Close()
	for lines := bufio.NewScanner(response.Body); lines.Scan(); {
		line, n := lines.Text(), 0
		if !strings.HasPrefix(line, "autocrm_live_connects_total{") {
			continue
		}
		fmt.Sscan(line[strings.LastIndexByte(line, ' ')+1:], &n)
		switch {
		case strings.Contains(line, `result="resumed"`):
			resumed += n
		case strings.Contains(line, `result="queried"`):
			queried += n
		}
	}
	return resumed, queried, nil
}
