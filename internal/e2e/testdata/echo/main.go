// SPDX-License-Identifier: MPL-2.0

// Echo is a website that tells what it was asked.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"path"
	"strconv"
	"strings"
	"sync"
	"time"
)

// illness is the file that makes the site say that it is not well.
const illness = "/tmp/ill"

// answer is what each page tells.
type answer struct {
	// Portal and Container that answer.
	Portal, Container string
	Method, Host, URI string
	// Peer is the address of the connection's other end.
	Peer    string
	Headers http.Header
	// Body counts the bytes of the request's body.
	Body int64
}

// seen are the requests so far, a line each.
var seen struct {
	sync.Mutex
	lines []string
}

func main() {
	if len(os.Args) > 1 {
		command(os.Args[1])
		return
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/", echo)
	mux.HandleFunc("/health", health)
	mux.HandleFunc("/text/", text)
	mux.HandleFunc("/stream", stream)
	mux.HandleFunc("/socket", socket)
	mux.HandleFunc("/seen", showSeen)
	log.Fatal(http.ListenAndServe(":8000", mux))
}

// command does what is asked from within the container.
func command(name string) {
	var err error
	switch name {
	case "up":
		var r *http.Response
		if r, err = http.Get("http://127.0.0.1:8000/seen"); err == nil {
			r.Body.Close()
		}
	case "ill":
		err = os.WriteFile(illness, nil, 0o600)
	case "well":
		err = os.Remove(illness)
	default:
		err = fmt.Errorf("there is no command %q", name)
	}
	if err != nil {
		log.Fatal(err)
	}
}

func echo(w http.ResponseWriter, r *http.Request) {
	n, err := io.Copy(io.Discard, r.Body)
	seen.Lock()
	seen.lines = append(seen.lines, fmt.Sprintf("%s %s of %s, body %d (%v)", r.Method, r.RequestURI, r.Host, n, err))
	seen.Unlock()
	container, _ := os.Hostname()
	peer, _, _ := net.SplitHostPort(r.RemoteAddr)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Container", container)
	_ = json.NewEncoder(w).Encode(answer{
		Portal: os.Getenv("PORTAL_NAME"), Container: container, Method: r.Method, Host: r.Host, URI: r.RequestURI,
		Peer: peer, Headers: r.Header, Body: n,
	})
}

func health(w http.ResponseWriter, _ *http.Request) {
	if _, err := os.Stat(illness); err == nil {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
}

// text is a page of as many bytes as its name says.
func text(w http.ResponseWriter, r *http.Request) {
	n, _ := strconv.Atoi(path.Base(r.URL.Path))
	w.Header().Set("Content-Type", "text/html")
	_, _ = io.WriteString(w, strings.Repeat("portal ", n/7+1)[:n])
}

// stream writes a line every 50 ms until the visitor goes.
func stream(w http.ResponseWriter, r *http.Request) {
	for n := 0; ; n++ {
		if _, err := fmt.Fprintf(w, "%d\n", n); err != nil {
			return
		}
		w.(http.Flusher).Flush()
		select {
		case <-r.Context().Done():
			return
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// socket answers with what it gets, byte by byte. No proxy looks into the frames of
// a WebSocket.
func socket(w http.ResponseWriter, _ *http.Request) {
	conn, buffered, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	defer conn.Close()
	_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
	_, _ = io.Copy(conn, buffered)
}

func showSeen(w http.ResponseWriter, _ *http.Request) {
	seen.Lock()
	defer seen.Unlock()
	_, _ = io.WriteString(w, strings.Join(seen.lines, "\n"))
}
