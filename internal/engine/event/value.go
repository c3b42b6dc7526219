package event

import (
	"math"
	"strconv"
	"strings"

	"github.com/skep-bpf/skep/internal/bpf/object"
)

// Kind is what a Value is to the one who prints it.
type Kind uint8

// The kinds of values.
const (
	Null       Kind = iota
	Bool            // Num: 0 or 1
	Int             // Num as int64
	Uint            // Num
	Pointer         // Num, printed in hexadecimal
	Symbol          // Text is printed, Num is the number behind it (enum values, bounds such as 1K)
	String          // Bytes, then Text
	Buffer          // Bytes
	Array           // Elems
	Tuple           // Elems
	Record          // Elems by Names
	Histogram       // Hist
	TimeSeries      // Series
	Real            // Num has the bits of a float64; it's printed with Places decimals
	Summary         // Elems by Names, as a Record; Num: how many numbers
)

// Value is a decoded value.
//
// Bytes may share memory with what it was decoded from: of a record, it's valid until
// the session's next one; of a Snapshot, as long as the Snapshot.
type Value struct {
	Kind   Kind
	Places uint8
	Num    uint64
	// Bytes are a string's or buffer's. A string reads Bytes, then Text, which is a
	// resolved name (without Bytes) or the mark that the string was cut.
	Bytes []byte
	Text  string
	Elems []Value
	Names []string
	Hist  *Hist
	// Series are a time series' intervals, oldest first.
	Series *Series
}

// IntValue is a signed number.
func IntValue(n int64) Value { return Value{Kind: Int, Num: uint64(n)} }

// UintValue is an unsigned number.
func UintValue(n uint64) Value { return Value{Kind: Uint, Num: n} }

// StringValue is a string.
func StringValue(s string) Value { return Value{Kind: String, Text: s} }

// IsNumber reports whether Num is the value, or stands for it.
func (v *Value) IsNumber() bool { return v.Kind >= Bool && v.Kind <= Symbol }

// number is a signed or an unsigned value.
func number(n uint64, signed bool) Value { return Value{Kind: intKind(signed), Num: n} }

func intKind(signed bool) Kind {
	if signed {
		return Int
	}
	return Uint
}

// divide divides the numbers in v by n, as print()'s third argument asks.
func (v *Value) divide(n uint64) {
	switch v.Kind {
	case Int:
		v.Num = uint64(int64(v.Num) / int64(n))
	case Uint:
		v.Num /= n
	case Real:
		*v = realValue(v.Float()/float64(n), v.Places)
	case Summary:
		for i := 1; i < len(v.Elems); i++ {
			v.Elems[i] = realValue(v.Elems[i].Float()/float64(n), summaryPlaces)
		}
	case Array, Tuple, Record:
		for i := range v.Elems {
			v.Elems[i].divide(n)
		}
	}
}

// realValue is a number with decimals.
func realValue(x float64, places uint8) Value {
	return Value{Kind: Real, Places: places, Num: math.Float64bits(x)}
}

// Float is a number as a float64.
func (v *Value) Float() float64 {
	switch v.Kind {
	case Real:
		return math.Float64frombits(v.Num)
	case Int:
		return float64(int64(v.Num))
	}
	return float64(v.Num)
}

// enumValue names n: by its name or, in an enum of flags, by those of its bits, joined by
// "-". Without any it gives its digits, around a decimal point when it has one.
func enumValue(n uint64, t *object.Type) Value {
	name, ok := t.Names[n]
	if t.Bits != nil {
		name, ok = flagNames(n, t.Bits)
	}
	switch {
	case t.Point.Digits > 0:
		name = decimal(n, t)
	case !ok:
		name = strconv.FormatUint(n, 10)
	}
	return Value{Kind: Symbol, Num: n, Text: name}
}

// enum sets *v to a number's names; the time since the session's start is, with --iso, the
// time of day.
func (d *Decoder) enum(v *Value, n uint64, t *object.Type) {
	*v = enumValue(n, t)
	if d.Times.ISO && t.Point.Elapsed {
		v.Text = string(d.Time(object.ClockBoot, d.Object.Start+n).AppendFormat(nil, isoLayout))
	}
}

// decimal is n with its point, rounded as C's printf rounds the quotient.
func decimal(n uint64, t *object.Type) string {
	x := float64(n)
	if t.Signed {
		x = float64(int64(n))
	}
	return strconv.FormatFloat(x/math.Pow10(int(t.Point.Digits)), 'f', int(t.Point.Places), 64)
}

func flagNames(n uint64, bits []object.BitName) (string, bool) {
	var names []string
	for _, b := range bits {
		if n&b.Mask == b.Bits {
			names = append(names, b.Name)
		}
	}
	return strings.Join(names, "-"), names != nil
}
