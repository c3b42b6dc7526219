package testkit

import (
	"strings"
	"testing"
)

func TestDiff(t *testing.T) {
	if got := Diff("a", "x\n", "b", "x\n"); got != "" {
		t.Errorf("equal texts differ: %q", got)
	}
	if got := Diff("a", "1\n2\n3\n", "b", "1\nB\n3\n"); !strings.Contains(got, "-2\n+B\n") {
		t.Errorf("got %q", got)
	}
}

func TestKernelVersions(t *testing.T) {
	for _, have := range []string{"5.10.0-46-cloud-amd64", "5.9", "4.19.1"} {
		if !versionLess(have, "5.15") {
			t.Errorf("%s isn't older than 5.15", have)
		}
	}
	for _, have := range []string{"5.15.0", "6.1", "10.0"} {
		if versionLess(have, "5.15") {
			t.Errorf("%s is older than 5.15", have)
		}
	}
}

// TestFeatures sees to it that each feature answers, and in a sentence when it's no.
func TestFeatures(t *testing.T) {
	Need(t, Linux(), Root())
	for name := range features() {
		if why := Feature(name).Missing(); strings.HasSuffix(why, "\n") {
			t.Errorf("%s: reason %q isn't a line", name, why)
		} else {
			t.Logf("%s: %q", name, why)
		}
	}
}
