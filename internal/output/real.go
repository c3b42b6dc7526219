package output

import (
	"bytes"
	"math"
	"strconv"

	"github.com/skep-bpf/skep/internal/bpf/object"
	"github.com/skep-bpf/skep/internal/engine/event"
)

// defaultDigits is the precision of C's floating-point conversions that give none.
const defaultDigits = 6

// appendReal appends a floating-point number by one conversion.
func appendReal(dst []byte, d *event.Decoder, p *object.FormatPart, width int, args []object.Field, rec []byte) ([]byte, error) {
	prec := p.Prec
	if p.StarPrec {
		v, err := d.Arg(&args[p.Prec], rec)
		if err != nil {
			return dst, err
		}
		prec = int(int32(v.Num))
	}
	x, err := d.Real(p.Real, args, rec)
	if err != nil {
		return dst, err
	}
	return formatReal(dst, p, x, width, prec), nil
}

// formatReal appends x as C's printf does. A negative width fills on the right, a negative
// precision is none.
func formatReal(dst []byte, p *object.FormatPart, x float64, width, prec int) []byte {
	if prec < 0 {
		prec = defaultDigits
	}
	verb := p.Verb | 0x20
	if verb == 'g' && prec == 0 {
		prec = 1
	}
	left := has(p, '-') || width < 0
	zeros := has(p, '0') && !left
	start := len(dst)
	switch {
	case math.Signbit(x) && !math.IsNaN(x):
		dst = append(dst, '-')
	case has(p, '+'):
		dst = append(dst, '+')
	case has(p, ' '):
		dst = append(dst, ' ')
	}
	digits := len(dst)
	switch {
	case math.IsInf(x, 0):
		dst, zeros = append(dst, "inf"...), false
	case math.IsNaN(x):
		dst, zeros = append(dst, "nan"...), false
	default:
		dst = strconv.AppendFloat(dst, math.Abs(x), verb, prec, 64)
	}
	if verb != p.Verb {
		copy(dst[digits:], bytes.ToUpper(dst[digits:]))
	}
	missing := max(width, -width) - (len(dst) - start)
	switch {
	case missing <= 0:
		return dst
	case left:
		return append(dst, bytes.Repeat([]byte{' '}, missing)...)
	case zeros:
		return insert(dst, digits, '0', missing)
	}
	return insert(dst, start, ' ', missing)
}

// insert puts n times c before dst[at].
func insert(dst []byte, at int, c byte, n int) []byte {
	dst = append(dst, make([]byte, n)...)
	copy(dst[at+n:], dst[at:])
	for i := range n {
		dst[at+i] = c
	}
	return dst
}
