package testkit

import (
	"strings"
	"testing"
)

func TestDiff(t *testing.T) {
	tests := []struct{ name, a, b, want string }{
		{"equal", "x\n", "x\n", ""},
		{"changed", "1\n2\n3\n", "1\nB\n3\n", "--- a\n+++ b\n@@ -1,3 +1,3 @@\n 1\n-2\n+B\n 3\n"},
		{"newline", "1\n2", "1\n2\n", "--- a\n+++ b\n@@ -1,2 +1,2 @@\n 1\n-2\n\\ No newline at end\n+2\n"},
		{"far apart", "a\n1\n2\n3\n4\n5\n6\n7\n8\nz\n", "A\n1\n2\n3\n4\n5\n6\n7\n8\nZ\n",
			"--- a\n+++ b\n@@ -1,4 +1,4 @@\n-a\n+A\n 1\n 2\n 3\n@@ -7,4 +7,4 @@\n 6\n 7\n 8\n-z\n+Z\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := Diff("a", test.a, "b", test.b); got != test.want {
				t.Errorf("got\n%s\nwant\n%s", got, test.want)
			}
		})
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
