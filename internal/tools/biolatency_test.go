//go:build linux

package tools

import (
	"regexp"
	"strconv"
)

// log2Row is a row of bcc's histograms.
var log2Row = regexp.MustCompile(`(?m)^ *([0-9]+) -> ([0-9]+) +: ([0-9]+) +\|(\**) *\|$`)

// sumLog2 adds up the counts of histograms.
func sumLog2(text string) (n int) {
	for _, m := range log2Row.FindAllStringSubmatch(text, -1) {
		c, _ := strconv.Atoi(m[3])
		n += c
	}
	return n
}
