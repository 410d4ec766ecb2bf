// SPDX-License-Identifier: MPL-2.0

package validate

import (
	"errors"
	"fmt"
	"path"
	"regexp"
	"strings"
	"time"

	"github.com/docker/go-units"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"

	"github.com/privateportals/terraform-provider-portal/internal/schedule"
)

// What services, tasks and backup schedules of a user's own are described with.

// MemberName is the name of a service, a task or a backup schedule.
func MemberName() validator.String {
	return text{"the name of a service or task", func(s string) error {
		if len(s) > maxMemberName || !memberPattern.MatchString(s) {
			return fmt.Errorf(`use at most %d lower-case letters, digits and single hyphens, and begin with a letter, for example "chat" or "report-mailer"`, maxMemberName)
		}
		return nil
	}}
}

// Duration is an amount of time such as "30s" or "1h30m", more than nothing.
func Duration() validator.String {
	return text{"a duration", func(s string) error {
		d, err := time.ParseDuration(s)
		if err != nil || d <= 0 {
			return errors.New(durationHint)
		}
		return nil
	}}
}

// DurationOrZero is an amount of time, or none.
func DurationOrZero() validator.String {
	return text{"a duration", func(s string) error {
		d, err := time.ParseDuration(s)
		if err != nil || d < 0 {
			return errors.New(durationHint + `, or "0s"`)
		}
		return nil
	}}
}

// Size is a number of bytes such as "512k" or "10m".
func Size() validator.String {
	return text{"a size", func(s string) error {
		n, err := units.RAMInBytes(s)
		if err != nil || n <= 0 {
			return errors.New(`write a number with a unit, for example "512k", "10m" or "1g"`)
		}
		return nil
	}}
}

// ContainerPath is an absolute path in a container, below its root.
func ContainerPath() validator.String {
	return text{"a path in the container", containerPath}
}

// RoutePath is the beginning of a URL's path.
func RoutePath() validator.String {
	return text{"the beginning of a URL's path", func(s string) error {
		if !strings.HasPrefix(s, "/") || strings.ContainsAny(s, "*?#% \t\n") {
			return errors.New(`begin with a slash and leave wildcards, escapes and spaces out, for example "/" or "/static/"`)
		}
		return nil
	}}
}

// User is a user and perhaps a group, in numbers.
func User() validator.String {
	return text{"a user", func(s string) error {
		if !userPattern.MatchString(s) {
			return errors.New(`write the user's number, or user and group, for example "1000" or "1000:1000": files on the shared drive get them as owner`)
		}
		return nil
	}}
}

// Timezone is the name of a time zone.
func Timezone() validator.String {
	return text{"a time zone", func(s string) error {
		_, err := schedule.LoadZone(s)
		return err
	}}
}

// Cron is a cron expression.
func Cron() validator.String {
	return text{"a cron expression", func(s string) error {
		if s == "" {
			return errors.New(`write for example "15 2 * * *" or "@daily"`)
		}
		return schedule.Schedule{Cron: s}.Validate()
	}}
}

const (
	maxMemberName = 40
	durationHint  = `write a number with a unit, for example "30s", "5m" or "1h30m"`
)

var (
	memberPattern = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)
	userPattern   = regexp.MustCompile(`^[0-9]{1,9}(:[0-9]{1,9})?$`)
)

func containerPath(s string) error {
	switch {
	case !path.IsAbs(s):
		return errors.New("begin with a slash, for example /data")
	case path.Clean(s) != s:
		return fmt.Errorf("write it as %q", path.Clean(s))
	case s == "/":
		return errors.New("the container's root cannot be mounted; use for example /data")
	case strings.ContainsAny(s, ":\x00\n"):
		return errors.New("it must not hold a colon or a line break")
	}
	return nil
}
