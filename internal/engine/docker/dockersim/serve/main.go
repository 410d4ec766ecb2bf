// SPDX-License-Identifier: MPL-2.0

// Command serve runs simulated Docker hosts, each on a unix socket of its own:
//
//	serve -dir DIR -hosts 20 -images a:1,b:1
//
// DIR/host-01.sock and so on are the hosts. DIR/control.sock answers to
// GET /requests with what was asked of all hosts, by endpoint, and to
// POST /reset by forgetting it. It ends when its standard input does.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/privateportals/terraform-provider-portal/internal/engine/docker/dockersim"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "dockersim:", err)
		os.Exit(1)
	}
}

func run() error {
	dir := flag.String("dir", "", "where to make the sockets")
	hosts := flag.Int("hosts", 1, "how many hosts")
	memory := flag.Int64("memory", 4<<40, "memory of each, in bytes")
	images := flag.String("images", "", "images that each has, with commas")
	flag.Parse()
	if *dir == "" || *hosts < 1 || flag.NArg() > 0 {
		return errors.New("give -dir and at least one host")
	}
	var all []*dockersim.Host
	for i := range *hosts {
		name := fmt.Sprintf("host-%02d", i+1)
		h := dockersim.New(dockersim.Options{Name: name, Memory: *memory, Images: strings.Split(*images, ",")})
		defer h.Close()
		if err := h.Listen(filepath.Join(*dir, name+".sock")); err != nil {
			return err
		}
		all = append(all, h)
	}
	if err := control(filepath.Join(*dir, "control.sock"), all); err != nil {
		return err
	}
	fmt.Println("ready")
	_, err := io.Copy(io.Discard, os.Stdin)
	return err
}

// control serves the counts.
func control(socket string, hosts []*dockersim.Host) error {
	l, err := net.Listen("unix", socket)
	if err != nil {
		return err
	}
	m := http.NewServeMux()
	m.HandleFunc("GET /requests", func(w http.ResponseWriter, _ *http.Request) {
		sum := map[string]dockersim.Count{}
		for _, h := range hosts {
			dockersim.AddRequests(sum, h.Requests())
		}
		_ = json.NewEncoder(w).Encode(sum)
	})
	m.HandleFunc("POST /reset", func(http.ResponseWriter, *http.Request) {
		for _, h := range hosts {
			h.ResetRequests()
		}
	})
	s := &http.Server{Handler: m, ReadHeaderTimeout: time.Minute}
	go func() { _ = s.Serve(l) }()
	return nil
}
