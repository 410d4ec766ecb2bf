// SPDX-License-Identifier: MPL-2.0

package schedule

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/hashicorp/go-retryablehttp"
	_ "golang.org/x/crypto/x509roots/fallback" // the agent's image has no certificates

	"github.com/privateportals/terraform-provider-portal/internal/schedule"
)

// Bounds of one delivery to a webhook.
const (
	webhookRepeats = 3
	webhookWait    = 10 * time.Second // between two requests
	webhookRequest = 15 * time.Second
	webhookTotal   = 90 * time.Second
	webhookAnswer  = 64 << 10 // bytes of an answer that are read
)

// Webhook sends notices as JSON by HTTP.
type Webhook struct{ client *retryablehttp.Client }

// NewWebhook makes the client of all webhooks.
func NewWebhook() *Webhook {
	c := retryablehttp.NewClient()
	c.Logger = nil // its lines would hold addresses, and those are secrets
	c.RetryMax = webhookRepeats
	c.RetryWaitMax = webhookWait
	c.HTTPClient.Timeout = webhookRequest
	c.ErrorHandler = retryablehttp.PassthroughErrorHandler
	return &Webhook{c}
}

// Send implements Notifier. It repeats what may succeed then.
func (w *Webhook) Send(ctx context.Context, address string, n schedule.Notice) error {
	target, err := url.Parse(address)
	if err != nil || target.Host == "" || target.Scheme != "https" && target.Scheme != "http" {
		return errors.New("the webhook's secret does not hold an http or https address")
	}
	body, err := json.Marshal(n)
	if err != nil {
		return fmt.Errorf("write the notice: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, webhookTotal)
	defer cancel()
	request, err := retryablehttp.NewRequestWithContext(ctx, http.MethodPost, address, body)
	if err != nil {
		return errors.New("the webhook's secret does not hold an http or https address")
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "portal-scheduler")
	response, err := w.client.Do(request)
	if err != nil {
		return fmt.Errorf("tell the webhook: %w", withoutAddress(err))
	}
	defer response.Body.Close()
	_, _ = io.CopyN(io.Discard, response.Body, webhookAnswer) // so that the connection can be used again
	if response.StatusCode >= http.StatusMultipleChoices {
		return fmt.Errorf("the webhook answers %s", response.Status)
	}
	return nil
}

// withoutAddress takes the address out of an error: whoever has a webhook's
// address may use it.
func withoutAddress(err error) error {
	var request *url.Error
	if errors.As(err, &request) {
		return withoutAddress(request.Err)
	}
	return err
}
