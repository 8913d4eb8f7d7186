package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"
)

// renewal is how long before its end a certificate should have been renewed.
const renewal = 14 * 24 * time.Hour

// examineName looks at a portal's name, certificate and protocol. It returns false where nothing is there, or
// nothing that a session may be sent to.
func (d *doctor) examineName(ctx context.Context, p *portal) (safe bool) {
	ctx, cancel := context.WithTimeout(ctx, d.pace.ask)
	defer cancel()
	host, variable := p.url.Hostname(), strings.ToUpper(string(p.role))+"_URL"
	addresses, err := d.resolve(ctx, host)
	if err != nil || len(addresses) == 0 {
		d.report.add(p.finding("name", Error, fmt.Sprintf("The name %s leads nowhere.", host),
			"The name servers that this machine asks do not know it.",
			fmt.Sprintf("Make an A or AAAA record for it, or correct %s.", variable)))
		return false
	}
	port := p.url.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[p.url.Scheme]
	}
	conn, err := d.dial(ctx, "tcp", net.JoinHostPort(host, port))
	if err != nil {
		d.report.add(p.finding("name", Error, fmt.Sprintf("Nothing answers at %s, port %s.", strings.Join(addresses, ", "), port),
			sentence(oneLine(err)), "Start AutoCRM or the proxy before it, and see that no firewall is in between."))
		return false
	}
	defer conn.Close()
	if p.url.Scheme == "http" {
		if !isLocal(host) {
			d.report.add(p.finding("name", Warning, "The portal is on http: passwords and tickets travel in the clear.",
				fmt.Sprintf("%s begins with http://.", variable), fmt.Sprintf("Get a certificate and let %s begin with https://.", variable)))
			return true
		}
		d.report.add(p.finding("name", OK, fmt.Sprintf("At %s, http on this machine.", addresses[0]), "", ""))
		return true
	}
	// Verified below, by hand: an examination wants to know everything that is wrong, not only that something is.
	secure := tls.Client(conn, &tls.Config{ServerName: host, InsecureSkipVerify: true, NextProtos: []string{"h2", "http/1.1"}})
	if err := secure.HandshakeContext(ctx); err != nil {
		cause := sentence(oneLine(err))
		var record tls.RecordHeaderError
		if errors.As(err, &record) {
			cause = "What answers there does not speak TLS."
		}
		d.report.add(p.finding("certificate", Error, fmt.Sprintf("No TLS connection comes about with %s, port %s.", host, port), cause,
			"Give the proxy a certificate for this name, or AutoCRM one with TLS_CERT and TLS_KEY."))
		return false
	}
	state := secure.ConnectionState()
	if !d.verify(p, host, state.PeerCertificates) {
		d.report.add(p.finding("stream", Error, "Nothing else was tried here.",
			"A session must not travel over a connection whose other end is not certain.", "Mend the certificate, then ask again."))
		return false
	}
	left := time.Until(state.PeerCertificates[0].NotAfter)
	days := int(left / (24 * time.Hour))
	d.report.note(p, func(f *Figures) { f.DaysLeft = days })
	line := fmt.Sprintf("At %s; certificate for %s more; %s, %s", addresses[0], plural(days, "day"), tls.VersionName(state.Version), protocol(state))
	level, cause, cure := OK, "", ""
	switch {
	case left < renewal:
		level = Warning
		cause = fmt.Sprintf("It ends on %s, and has not been renewed.", state.PeerCertificates[0].NotAfter.UTC().Format("2 January 2006, 15:04 UTC"))
		cure = "See why the renewal does not run; AutoCRM and proxies take a new file up by themselves or with a reload."
	case state.NegotiatedProtocol != "h2":
		level = Warning
		cause = "What answers does not offer HTTP/2. A browser then has six connections for the portal, and each open tab takes one for live updates."
		cure = "nginx: `listen 443 ssl http2;`, or from 1.25 `http2 on;`. Apache: `Protocols h2 http/1.1`."
	}
	d.report.add(p.finding("name", level, line+".", cause, cure))
	d.examineRedirect(ctx, p, host)
	return true
}

func protocol(state tls.ConnectionState) string {
	if state.NegotiatedProtocol == "h2" {
		return "HTTP/2"
	}
	return "HTTP/1.1"
}

func (d *doctor) resolve(ctx context.Context, host string) ([]string, error) {
	switch {
	case d.Resolve != nil:
		return d.Resolve(ctx, host)
	case isLocal(host):
		return []string{"127.0.0.1"}, nil
	}
	return net.DefaultResolver.LookupHost(ctx, host)
}

// verify says what is wrong with a certificate, in the order in which one would mend it.
func (d *doctor) verify(p *portal, host string, chain []*x509.Certificate) bool {
	leaf, now := chain[0], time.Now()
	const date = "2 January 2006, 15:04 UTC"
	switch err := leaf.VerifyHostname(host); {
	case now.After(leaf.NotAfter):
		d.report.add(p.finding("certificate", Error, fmt.Sprintf("The certificate expired on %s.", leaf.NotAfter.UTC().Format(date)),
			"It was not renewed, or what answers was not told of the new one.", "Renew it, then reload the proxy (nginx: `nginx -s reload`)."))
		return false
	case now.Before(leaf.NotBefore):
		d.report.add(p.finding("certificate", Error, fmt.Sprintf("The certificate is not valid before %s.", leaf.NotBefore.UTC().Format(date)),
			"It was made too early, or this machine's clock is wrong.", "Compare the clocks (`timedatectl`)."))
		return false
	case err != nil:
		names := strings.Join(leaf.DNSNames, ", ")
		if names == "" {
			names = "no name at all"
		}
		d.report.add(p.finding("certificate", Error, fmt.Sprintf("The certificate is for %s, not for %s.", names, host),
			"What answers uses another site's certificate, or one that was made before this name was chosen.",
			fmt.Sprintf("Get a certificate that names %s, and point ssl_certificate (nginx) or TLS_CERT at it.", host)))
		return false
	}
	between := x509.NewCertPool()
	for _, certificate := range chain[1:] {
		between.AddCert(certificate)
	}
	if _, err := leaf.Verify(x509.VerifyOptions{DNSName: host, Roots: d.Roots, Intermediates: between}); err != nil {
		d.report.add(p.finding("certificate", Error, "The certificate is signed by nobody whom this machine trusts.", sentence(oneLine(err)),
			"Send the whole chain (fullchain.pem, not cert.pem); an authority of your own must be known to every browser, and to this machine."))
		return false
	}
	return true
}

// examineRedirect asks on port 80 what somebody meets who types the address without https.
func (d *doctor) examineRedirect(ctx context.Context, p *portal, host string) {
	if port := p.url.Port(); port != "" && port != "443" {
		return // where http would be then is anybody's guess
	}
	plain := newClient(d.Options, p.url)
	defer plain.close()
	base := *p.url
	base.Scheme, base.Host = "http", host
	plain.base = &base
	answer, err := plain.do(ctx, http.MethodGet, "/")
	if err != nil {
		d.report.add(p.finding("redirect", OK, "Nothing answers on http, port 80: who types the address without https:// gets nowhere.", "", ""))
		return
	}
	answer.Body.Close()
	to, err := answer.Location()
	if err == nil && to.Scheme == "https" && strings.EqualFold(to.Hostname(), host) {
		d.report.add(p.finding("redirect", OK, "http leads to https.", "", ""))
		return
	}
	said := answer.Status
	if err == nil {
		said += " to " + to.Scheme + "://" + to.Host
	}
	d.report.add(p.finding("redirect", Warning, fmt.Sprintf("http://%s does not lead to https: it answers %s.", host, said),
		"The server of port 80 does not know this name, or serves the portal itself.",
		"nginx: a server of port 80 with `return 301 https://$host$request_uri;`, as in deploy/nginx.conf."))
}
