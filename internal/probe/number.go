package probe

import (
	"errors"
	"math"
	"strconv"
	"strings"
)

var (
	errNotNumber = errors.New("not a number")
	errTooLarge  = errors.New("doesn't fit 64 bits")
)

// suffixes are what may follow a number, with its factor. Longer ones come first.
func suffixes() []struct {
	text   string
	factor uint64
} {
	return []struct {
		text   string
		factor uint64
	}{
		{"ull", 1}, {"ul", 1}, {"ll", 1}, {"u", 1}, {"l", 1},
		{"ns", 1}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9},
		{"m", 60 * 1e9}, {"h", 3600 * 1e9}, {"d", 86400 * 1e9},
	}
}

// parseUint reads a number as the language writes it: decimal, 0x, 0b, octal,
// 1e6, underscores, an integer suffix or a unit of time, which makes it nanoseconds.
func parseUint(s string) (uint64, error) {
	s = strings.ReplaceAll(s, "_", "")
	if len(s) > 1 && s[0] == '0' {
		base, digits := 8, s[1:]
		switch s[1] {
		case 'x', 'X':
			base, digits = 16, s[2:]
		case 'b', 'B':
			base, digits = 2, s[2:]
		}
		return parseDigits(digits, base)
	}
	digits := 0
	for digits < len(s) && s[digits] >= '0' && s[digits] <= '9' {
		digits++
	}
	v, err := parseDigits(s[:digits], 10)
	if err != nil {
		return 0, err
	}
	rest := s[digits:]
	if len(rest) > 1 && (rest[0] == 'e' || rest[0] == 'E') && rest[1] >= '1' && rest[1] <= '9' {
		n := 1
		for n < len(rest) && rest[n] >= '0' && rest[n] <= '9' {
			n++
		}
		exp, err := strconv.Atoi(rest[1:n])
		if err != nil || exp > 19 {
			return 0, errTooLarge
		}
		if v == 0 || v > 9 {
			return 0, errNotNumber
		}
		for range exp {
			if v > math.MaxUint64/10 {
				return 0, errTooLarge
			}
			v *= 10
		}
		rest = rest[n:]
	}
	if rest == "" {
		return v, nil
	}
	for _, suf := range suffixes() {
		if suf.text != rest {
			continue
		}
		if v > math.MaxUint64/suf.factor {
			return 0, errTooLarge
		}
		return v * suf.factor, nil
	}
	return 0, errNotNumber
}

func parseDigits(s string, base int) (uint64, error) {
	v, err := strconv.ParseUint(s, base, 64)
	if errors.Is(err, strconv.ErrRange) {
		return 0, errTooLarge
	}
	if err != nil {
		return 0, errNotNumber
	}
	return v, nil
}
