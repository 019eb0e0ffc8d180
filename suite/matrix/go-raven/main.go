// The stories of the matrix through raven-go, the client before the current SDK.
package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/getsentry/raven-go"
)

const floodEvents = 500

func main() {
	story := os.Args[1]
	if err := raven.SetDSN(os.Getenv("SENTRY_DSN")); err != nil {
		panic(err)
	}
	raven.SetRelease("matrix@1.0.0")
	raven.SetEnvironment("matrix")
	stories[story]()
	raven.Wait()
	fmt.Println("done", story)
}

var stories = map[string]func(){
	"handled":   handled,
	"unhandled": unhandled,
	"oversize":  oversize,
	"flood":     flood,
}

// sent says on standard output what became of a report; the client itself says nothing.
func sent(result string, err error) {
	if err != nil {
		fmt.Println("raven could not send:", err)
	} else {
		fmt.Println("raven sent", result)
	}
}

func report(packet *raven.Packet) {
	id, failure := raven.DefaultClient.Capture(packet, nil)
	sent(id, <-failure)
}

func priceOf(order int) error {
	return fmt.Errorf("order %d cannot be priced", order)
}

func handled() {
	raven.SetUserContext(&raven.User{ID: "u-7", Email: "mia@example.com"})
	raven.SetTagsContext(map[string]string{"wallet": "apple_pay"})
	raven.CaptureErrorAndWait(priceOf(42), nil)
}

func unhandled() {
	raven.CapturePanicAndWait(func() { panic("the basket fell over") }, nil)
	fmt.Println("raven sent a panic")
}

func oversize() {
	large := raven.NewPacketWithExtra("the list is too long", raven.Extra{})
	for number := range 3000 {
		large.Extra[fmt.Sprintf("item-%d", number)] = strings.Repeat("tea ", 256)
	}
	report(large)
	report(raven.NewPacket("after the long list"))
}

func flood() {
	for number := range floodEvents {
		report(raven.NewPacket(fmt.Sprintf("the stock of %s is low", []string{"tea", "cups"}[number%2])))
	}
}
