// The stories of the matrix as a Go program tells them, while gin answers a request.
// suite/src/matrix/mod.rs says what they are.
package main

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"time"

	"github.com/getsentry/sentry-go"
	sentrygin "github.com/getsentry/sentry-go/gin"
	"github.com/gin-gonic/gin"
)

const (
	floodEvents = 500
	// The SDK's queue is bounded; a program that reports more at once waits for it.
	floodAtOnce = 25
	flushWithin = 20 * time.Second
)

func main() {
	story := os.Args[1]
	err := sentry.Init(sentry.ClientOptions{
		Dsn:              os.Getenv("SENTRY_DSN"),
		Release:          "matrix@1.0.0",
		Environment:      "matrix",
		AttachStacktrace: true,
		Debug:            true,
		DebugWriter:      os.Stderr,
	})
	if err != nil {
		panic(err)
	}
	gin.SetMode(gin.ReleaseMode)
	router := gin.New()
	// The SDK reports what a handler panics with and hands it on to gin's own recovery.
	router.Use(gin.Recovery(), sentrygin.New(sentrygin.Options{Repanic: true}))
	router.GET("/:story", func(c *gin.Context) {
		stories[c.Param("story")](sentrygin.GetHubFromContext(c))
	})
	server := httptest.NewServer(router)
	if answer, err := http.Get(server.URL + "/" + story); err == nil {
		answer.Body.Close()
	}
	server.Close()
	sentry.Flush(flushWithin)
	fmt.Println("done", story)
}

var stories = map[string]func(*sentry.Hub){
	"handled":    handled,
	"unhandled":  func(*sentry.Hub) { panic(errors.New("the basket fell over")) },
	"group":      group,
	"attachment": attachment,
	"oversize":   oversize,
	"flood":      flood,
	"checkin":    checkin,
}

func rateFor(currency string) error {
	return fmt.Errorf("no rate for %s", currency)
}

func priceOf(order int) error {
	return fmt.Errorf("order %d cannot be priced: %w", order, rateFor("GBP"))
}

func handled(hub *sentry.Hub) {
	hub.Scope().SetUser(sentry.User{ID: "u-7", Email: "mia@example.com"})
	hub.Scope().SetTag("wallet", "apple_pay")
	hub.AddBreadcrumb(&sentry.Breadcrumb{Category: "basket", Message: "basket opened", Level: sentry.LevelInfo}, nil)
	hub.CaptureException(priceOf(42))
}

func group(hub *sentry.Hub) {
	late, broken := errors.New("tea is late"), errors.New("the cup is broken")
	hub.CaptureException(fmt.Errorf("two deliveries failed: %w", errors.Join(late, broken)))
}

func attachment(hub *sentry.Hub) {
	hub.WithScope(func(scope *sentry.Scope) {
		scope.AddAttachment(&sentry.Attachment{
			Filename: "receipt.txt", ContentType: "text/plain", Payload: []byte("two cups of tea"),
		})
		hub.CaptureMessage("the till printed nonsense")
	})
}

func oversize(hub *sentry.Hub) {
	hub.WithScope(func(scope *sentry.Scope) {
		list := sentry.Context{}
		for number := range 3000 {
			list[fmt.Sprintf("item-%d", number)] = strings.Repeat("tea ", 256)
		}
		scope.SetContext("list", list)
		hub.CaptureMessage("the list is too long")
	})
	hub.Flush(flushWithin)
	hub.CaptureMessage("after the long list")
}

func flood(hub *sentry.Hub) {
	for number := range floodEvents {
		hub.CaptureMessage(fmt.Sprintf("the stock of %s is low", []string{"tea", "cups"}[number%2]))
		if number%floodAtOnce == floodAtOnce-1 {
			hub.Flush(flushWithin)
		}
	}
}

func checkin(hub *sentry.Hub) {
	schedule := &sentry.MonitorConfig{Schedule: sentry.CrontabSchedule("0 3 * * *")}
	begun := hub.CaptureCheckIn(
		&sentry.CheckIn{MonitorSlug: "nightly-close", Status: sentry.CheckInStatusInProgress}, schedule)
	hub.CaptureCheckIn(
		&sentry.CheckIn{ID: *begun, MonitorSlug: "nightly-close", Status: sentry.CheckInStatusOK}, schedule)
}
