package tools

import (
	"strconv"
	"strings"
)

// Range is the numbers that an option or argument takes, both ends included: {1..65535},
// {1..}.
type Range struct{ Least, Most uint64 }

// parseRange reads what stands between the braces; nil: that's no range.
func parseRange(s string) *Range {
	least, most, ok := strings.Cut(s, "..")
	if !ok {
		return nil
	}
	r := &Range{Most: ^uint64(0)}
	var err error
	if r.Least, err = strconv.ParseUint(least, 0, 64); err != nil {
		return nil
	}
	if most != "" {
		if r.Most, err = strconv.ParseUint(most, 0, 64); err != nil {
			return nil
		}
	}
	return r
}

// holds reports whether s is a number of the range. A nil range holds all numbers.
func (r *Range) holds(s string) bool {
	n, err := strconv.ParseUint(s, 0, 64)
	return err == nil && (r == nil || r.Least <= n && n <= r.Most)
}

// String is " from 1 to 65535", for messages; "" for all numbers.
func (r *Range) String() string {
	switch {
	case r == nil:
		return ""
	case r.Most == ^uint64(0):
		return " from " + strconv.FormatUint(r.Least, 10)
	}
	return " from " + strconv.FormatUint(r.Least, 10) + " to " + strconv.FormatUint(r.Most, 10)
}
