// SPDX-License-Identifier: MPL-2.0

// Command search is a stand-in for Elasticsearch in the demo: it answers the
// small part of its REST API that the demo uses, and keeps its documents in one
// file per index. What it does not know it refuses by name. It has no analysis,
// no relevance beyond counting words, and no cluster.
package main

import (
	"context"
	"errors"
	"flag"
	"log"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	data := flag.String("data", "data", "directory of the indices")
	listen := flag.String("listen", ":9200", "address to listen on")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *data, *listen); err != nil {
		log.Fatal(err)
	}
}

// run serves until ctx ends, then lets requests under way finish.
func run(ctx context.Context, data, listen string) error {
	store, err := openStore(data)
	if err != nil {
		return err
	}
	server := &http.Server{Addr: listen, Handler: newHandler(store), ReadHeaderTimeout: 10 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- server.ListenAndServe() }()
	log.Printf("search stand-in listens on %s, data in %s", listen, data)
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := server.Shutdown(grace); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return nil
}
