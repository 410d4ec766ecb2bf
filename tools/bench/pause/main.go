// SPDX-License-Identifier: MPL-2.0

// Command pause is the whole content of the benchmark's image: it waits, and
// ends at once when it is told to.
package main

import (
	"os"
	"os/signal"
	"syscall"
)

func main() {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	<-stop
}
