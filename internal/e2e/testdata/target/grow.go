package main

import (
	"fmt"
	"sync"
)

// Calls that each goroutine nests: its stack grows, and is copied, several times meanwhile.
const growDepth = 200

// growAll has n goroutines nest calls of grow, and says how many returned as they should.
func growAll(n int) {
	var wg sync.WaitGroup
	depths := make([]int, n)
	for i := range n {
		wg.Go(func() { depths[i] = grow(growDepth) })
	}
	wg.Wait()
	sum := 0
	for _, d := range depths {
		sum += d
	}
	fmt.Println("grew", sum)
}

// grow returns n, by n nested calls. It has two ways to return.
//
//go:noinline
func grow(n int) int {
	if n == 0 {
		return 0
	}
	var room [200]byte
	room[n%len(room)] = 1
	return grow(n-1) + int(room[n%len(room)])
}

// Mixed takes arguments of different sizes in Go's registers: a string has two.
//
//go:noinline
func Mixed(a int, s string, b int) int {
	if a > 1 {
		return b + len(s)
	}
	return a
}
