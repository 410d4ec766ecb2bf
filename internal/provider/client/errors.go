// SPDX-License-Identifier: MPL-2.0

package client

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/privateportals/terraform-provider-portal/internal/engine"
)

// Failure turns the error of an operation on one portal into a diagnostic.
// The summary names the portal and, when the engine knows it, the service.
func Failure(portal, did string, err error) diag.Diagnostic {
	return failure("Portal "+portal, did, err)
}

// GatewayFailure is Failure for an operation on a gateway.
func GatewayFailure(gateway, did string, err error) diag.Diagnostic {
	return failure("Gateway "+gateway, did, err)
}

func failure(subject, did string, err error) diag.Diagnostic {
	summary := fmt.Sprintf("%s: %s failed", subject, did)
	var cause *engine.Error
	if errors.As(err, &cause) {
		switch {
		case cause.Service != "":
			summary += " at " + cause.Service
		case cause.Host != "":
			summary += " on host " + cause.Host
		}
	}
	return diag.NewErrorDiagnostic(summary, err.Error())
}

// TimedOut explains an error that came because the time allowed was up, and
// passes any other error on unchanged.
func TimedOut(ctx context.Context, err error, attribute string, limit time.Duration) error {
	if err == nil || !errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return err
	}
	return fmt.Errorf("%w\n\nThe time allowed was up: timeouts.%s is %s. Raise it if the host only needs longer; what was done so far stays, and the next apply goes on from there",
		err, attribute, limit)
}

// Warnings turns lines into warning diagnostics about one portal.
func Warnings(portal string, lines []string) diag.Diagnostics {
	return warnings("Portal "+portal, lines)
}

// GatewayWarnings is Warnings for a gateway.
func GatewayWarnings(gateway string, lines []string) diag.Diagnostics {
	return warnings("Gateway "+gateway, lines)
}

func warnings(subject string, lines []string) diag.Diagnostics {
	var diags diag.Diagnostics
	for _, line := range lines {
		diags.AddWarning(subject, line)
	}
	return diags
}
