package syntax

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// numberUnits are the suffixes of a decimal or octal number: what it may at most be
// after scaling, and the scale. The limits are bpftrace's: u is 32 bits, l is signed.
var numberUnits = map[string]struct {
	max, scale uint64
	duration   bool
}{
	"":    {math.MaxUint64, 1, false},
	"u":   {math.MaxUint32, 1, false},
	"l":   {math.MaxInt64, 1, false},
	"ll":  {math.MaxInt64, 1, false},
	"ul":  {math.MaxUint64, 1, false},
	"ull": {math.MaxUint64, 1, false},
	"ns":  {math.MaxUint64, 1, true},
	"us":  {math.MaxUint64, 1e3, true},
	"ms":  {math.MaxUint64, 1e6, true},
	"s":   {math.MaxUint64, 1e9, true},
	"m":   {math.MaxUint64, 60e9, true},
	"h":   {math.MaxUint64, 3600e9, true},
	"d":   {math.MaxUint64, 86400e9, true},
}

// errOverflow: the number is well formed and too large.
var errOverflow = errors.New("number is too large")

// ParseNumber is the value of a text that is an integer or a duration as a script has it, and
// nothing else: 10, 0x1f, 017, 1e6, 1_000, 5s.
func ParseNumber(text string) (val uint64, ok bool) {
	if text == "" || !isDigit(text[0]) {
		return 0, false
	}
	val, _, err := parseNumber(text)
	return val, err == nil
}

// parseNumber gives a number's value: decimal, 0x…, octal 0…, NeM with one digit N,
// with _ between digits, and for all but hexadecimal ones a suffix of numberUnits.
// A duration's value is in nanoseconds.
func parseNumber(text string) (val uint64, duration bool, err error) {
	if strings.HasPrefix(text, "0x") || strings.HasPrefix(text, "0X") {
		val, err = parseHex(text)
		return val, false, err
	}
	digits := digitsLen(text)
	mantissa, rest := text[:digits], text[digits:]
	if strings.HasSuffix(mantissa, "_") {
		return 0, false, errors.New("_ stands only between digits")
	}
	mantissa = strings.ReplaceAll(mantissa, "_", "")
	if rest != "" && (rest[0] == 'e' || rest[0] == 'E') {
		n := 1 + digitsLen(rest[1:])
		if val, err = parseScientific(mantissa, rest[1:n]); err != nil {
			return 0, false, err
		}
		rest = rest[n:]
	} else {
		base := 10
		if len(mantissa) > 1 && mantissa[0] == '0' {
			base = 8
		}
		if val, err = parseDigits(mantissa, base); err != nil {
			return 0, false, err
		}
	}
	unit, ok := numberUnits[rest]
	if !ok {
		return 0, false, fmt.Errorf("unknown suffix %q of a number", rest)
	}
	if val > unit.max/unit.scale {
		return 0, false, errOverflow
	}
	return val * unit.scale, unit.duration, nil
}

func digitsLen(s string) int {
	n := 0
	for n < len(s) && (isDigit(s[n]) || s[n] == '_') {
		n++
	}
	return n
}

func parseDigits(s string, base int) (uint64, error) {
	v, err := strconv.ParseUint(s, base, 64)
	switch {
	case errors.Is(err, strconv.ErrRange):
		return 0, errOverflow
	case err != nil && base == 8:
		return 0, errors.New("a number that begins with 0 is octal: its digits are 0 to 7")
	case err != nil:
		return 0, errors.New("invalid number")
	}
	return v, nil
}

func parseHex(text string) (uint64, error) {
	digits := strings.ReplaceAll(text[2:], "_", "")
	if strings.HasSuffix(text, "_") {
		return 0, errors.New("_ stands only between digits")
	}
	v, err := strconv.ParseUint(digits, 16, 64)
	switch {
	case errors.Is(err, strconv.ErrRange):
		return 0, errOverflow
	case digits == "":
		return 0, errors.New("digits must follow 0x")
	case err != nil:
		return 0, errors.New("a hexadecimal number has digits 0 to f and takes no suffix")
	}
	return v, nil
}

// parseScientific is mantissa * 10^exp; the mantissa is one digit from 1 to 9.
func parseScientific(mantissa, exp string) (uint64, error) {
	if strings.HasSuffix(exp, "_") {
		return 0, errors.New("_ stands only between digits")
	}
	exp = strings.ReplaceAll(exp, "_", "")
	if exp == "" || exp[0] == '0' {
		return 0, errors.New("the exponent must be a whole number from 1")
	}
	v, err := strconv.ParseUint(mantissa, 10, 64)
	if err != nil || v < 1 || v > 9 {
		return 0, errors.New("one digit from 1 to 9 must stand before the e")
	}
	n, err := strconv.Atoi(exp)
	if err != nil || n > 19 {
		return 0, errOverflow
	}
	for ; n > 0; n-- {
		if v > math.MaxUint64/10 {
			return 0, errOverflow
		}
		v *= 10
	}
	return v, nil
}

// badEscape is an escape that unquote doesn't know, at an offset of the quoted text.
type badEscape struct {
	start, end int
	msg        string
}

// simpleEscapes are the escapes of one letter.
var simpleEscapes = map[byte]byte{'n': '\n', 't': '\t', 'r': '\r', '"': '"', '\\': '\\'}

// unquote gives the value of a quoted string; the closing quote may be missing.
func unquote(text string) (string, []badEscape) {
	body := strings.TrimPrefix(text, `"`)
	if !strings.Contains(body, `\`) {
		return strings.TrimSuffix(body, `"`), nil
	}
	var out strings.Builder
	var bad []badEscape
	for i := 1; i < len(text) && text[i] != '"'; {
		if text[i] != '\\' || i+1 == len(text) {
			out.WriteByte(text[i])
			i++
			continue
		}
		n, c, msg := escape(text[i:])
		if msg != "" {
			bad = append(bad, badEscape{i, i + n, msg})
		} else {
			out.WriteByte(c)
		}
		i += n
	}
	return out.String(), bad
}

// escape reads the escape at the start of s: its length, its byte, or what is wrong.
func escape(s string) (n int, c byte, msg string) {
	e := s[1]
	if c, ok := simpleEscapes[e]; ok {
		return 2, c, ""
	}
	switch {
	case '0' <= e && e <= '7':
		n = 2
		for n < len(s) && n < 4 && '0' <= s[n] && s[n] <= '7' {
			n++
		}
		v, err := strconv.ParseUint(s[1:n], 8, 8)
		if err != nil {
			return n, 0, "octal escape is larger than \\377"
		}
		return n, byte(v), ""
	case e == 'x' || e == 'X':
		n = 2
		for n < len(s) && n < 4 && isHex(s[n]) {
			n++
		}
		v, err := strconv.ParseUint(s[2:n], 16, 8)
		if err != nil {
			return n, 0, "one or two hexadecimal digits must follow \\x"
		}
		return n, byte(v), ""
	}
	return 2, 0, fmt.Sprintf("unknown escape \\%c", e)
}

func isHex(c byte) bool {
	return isDigit(c) || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}
