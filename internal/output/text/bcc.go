package text

import (
	"fmt"
	"math"
	"strings"
)

// The form of histograms that bcc's tools print (src/python/bcc/table.py).

// bccStars is the length of bcc's longest bar.
const bccStars = 40

// bccWide is the slot above which bcc's numbers need more than ten digits, and its
// bars have half the length.
const bccWide = 32

// AppendSection appends the header of one of several histograms: "\ndisk = sda\n".
func AppendSection(dst []byte, header, value string) []byte {
	return fmt.Appendf(dst, "\n%s = %s\n", header, value)
}

// AppendLog2 appends a log2 histogram in bcc's form. counts[i] counts the values of
// [2^(i-1), 2^i), counts[1] 0 too; counts[0] isn't shown. label heads the ranges, such as
// "usecs". With strip, empty slots at the beginning are left out; those at the end always
// are.
func AppendLog2(dst []byte, label string, counts []uint64, strip bool) []byte {
	last, most := extent(counts)
	stars, indent, head, number := bccStars, 5, 19, 10
	if last > bccWide {
		stars, indent, head, number = bccStars/2, 15, 29, 20
	}
	if last > 0 {
		dst = fmt.Appendf(dst, "%*s%-*s : count     distribution\n", indent, "", head, label)
	}
	for i := 1; i <= last; i++ {
		if strip && counts[i] == 0 {
			continue
		}
		strip = false
		low, high := uint64(1)<<(i-1), uint64(1)<<i-1
		if i == 1 {
			low = 0
		}
		dst = fmt.Appendf(dst, "%*d -> %-*d : %-8d |%-*s|\n",
			number, low, number, high, counts[i], stars, bccBar(counts[i], most, stars))
	}
	return dst
}

// AppendLinear appends a linear histogram in bcc's form: counts[i] counts the value, or the
// values, that names[i] tells. label heads the names. strip is as AppendLog2's.
func AppendLinear(dst []byte, label string, names []string, counts []uint64, strip bool) []byte {
	last, most := extent(counts)
	if last >= 0 {
		dst = fmt.Appendf(dst, "     %-13s : count     distribution\n", label)
	}
	for i := 0; i <= last; i++ {
		if strip && counts[i] == 0 {
			continue
		}
		strip = false
		dst = fmt.Appendf(dst, "        %-10s : %-8d |%-*s|\n",
			names[i], counts[i], bccStars, bccBar(counts[i], most, bccStars))
	}
	return dst
}

// extent is the last slot that isn't empty, or -1, and the largest count.
func extent(counts []uint64) (last int, most uint64) {
	last = -1
	for i, n := range counts {
		if n > 0 {
			last = i
		}
		most = max(most, n)
	}
	return last, most
}

func bccBar(count, most uint64, width int) string {
	n := math.Floor(float64(width) * float64(count) / float64(most))
	return strings.Repeat("*", min(int(n), width))
}
