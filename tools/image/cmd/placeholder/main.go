// Command placeholder serves a page that says what it stands for. It takes the place of multiadmin-web, whose image is made
// of sources that no Go module or Debian package holds, where clusters run without access to its registry.
package main

import (
	"fmt"
	"net/http"
	"os"
	"time"
)

func main() {
	page := "a placeholder: this image is not what its name says\n"
	srv := &http.Server{
		Addr: ":18100", ReadHeaderTimeout: time.Second,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprint(w, page) }),
	}
	if err := srv.ListenAndServe(); err != nil {
		fmt.Fprintln(os.Stderr, "placeholder:", err)
		os.Exit(1)
	}
}
