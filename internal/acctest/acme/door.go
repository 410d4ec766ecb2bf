// SPDX-License-Identifier: MPL-2.0

package acme

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	stdlog "log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
)

// door is what clients reach: a server before Pebble, which can be closed and
// opened without Pebble's forgetting everything, and sees what passes.
type door struct {
	server *http.Server
}

// open listens at the directory's address.
func (s *Server) open() (*door, error) {
	certificate, err := tls.X509KeyPair([]byte(s.identity.certificate), []byte(s.identity.key))
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", s.address)
	if err != nil {
		return nil, err
	}
	forward := &httputil.ReverseProxy{
		// The Host of the request stays: Pebble's URLs begin with it.
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&url.URL{Scheme: "https", Host: s.pebble})
			r.Out.Host = r.In.Host
		},
		Transport:      &http.Transport{TLSClientConfig: s.identity.client()},
		ModifyResponse: s.passing,
		ErrorLog:       stdlog.New(s.log, "door ", 0),
	}
	server := &http.Server{
		Handler: forward, ErrorLog: stdlog.New(s.log, "door ", 0),
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{certificate}},
	}
	go func() { _ = server.ServeTLS(l, "", "") }()
	return &door{server}, nil
}

func (d *door) close() { d.server.Close() }

// passing keeps a record of a request and its answer, and changes when a
// client asks again for the renewal of a certificate.
func (s *Server) passing(r *http.Response) error {
	s.mu.Lock()
	s.requests = append(s.requests, r.Request.Method+" "+r.Request.URL.Path)
	s.mu.Unlock()
	if after := s.options.RenewalInfoAfter; after > 0 && strings.Contains(r.Request.URL.Path, "/renewalInfo/") {
		r.Header.Set("Retry-After", strconv.Itoa(max(1, int(after.Seconds()))))
	}
	if r.Header.Get("Content-Type") != "application/pem-certificate-chain; charset=utf-8" {
		return nil
	}
	chain, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	r.Body = io.NopCloser(bytes.NewReader(chain))
	block, _ := pem.Decode(chain)
	if block == nil {
		return nil
	}
	leaf, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.issued = append(s.issued, leaf)
	s.mu.Unlock()
	return nil
}
