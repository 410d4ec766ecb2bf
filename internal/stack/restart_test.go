// SPDX-License-Identifier: MPL-2.0

package stack

import "testing"

func TestRestartsGolden(t *testing.T) {
	st := fixture()
	st.Services["lms"].RestartOn = []string{RestartOnOverrides}
	st.Services["lb"].RestartOn = []string{"something else"}
	st.Services["migrate"].RestartOn = []string{RestartOnOverrides}
	o := settled(st)
	golden(t, Restarts(o, "overrides changed", RestartsOn(RestartOnOverrides)).String())
}

// What does not run as it should is left to the portal's own reconciliation,
// but what is down because of its configuration gets the chance of the new one.
func TestRestartsOfWhatIsNotWell(t *testing.T) {
	for _, tc := range []struct {
		name   string
		change func(*Container)
		want   string
	}{
		{"keeps restarting", func(c *Container) { c.State = Restarting }, "restart acme-lms-1"},
		{"exited", func(c *Container) { c.State = Exited }, "restart acme-lms-1"},
		{"paused", func(c *Container) { c.State = Paused }, "unpause acme-lms-1"},
		{"never started", func(c *Container) { c.State = Created }, "restart acme-lms-2"},
		{"dead", func(c *Container) { c.State = Dead }, "restart acme-lms-2"},
		{"left over", func(c *Container) { c.Name += previousSuffix }, "restart acme-lms-2"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			st := fixture()
			st.Services["lms"].RestartOn = []string{RestartOnOverrides}
			o := settled(st)
			tc.change(o.find("acme-lms-1"))
			plan := Restarts(o, "overrides changed", RestartsOn(RestartOnOverrides))
			if first := plan.Operations[0]; first.ID != tc.want || len(first.After) > 0 {
				t.Errorf("the plan begins with %q, want %q:\n%s", first.ID, tc.want, plan)
			}
		})
	}
}
