package main

import (
	"bytes"
	"fmt"
	"net"
)

// datagrams sends n datagrams to an address and receives them there. Their text is their
// number and dots.
func datagrams(n, size int, address string) error {
	here, err := net.ListenPacket("udp", address)
	if err != nil {
		return err
	}
	defer here.Close()
	to, err := net.Dial("udp", address)
	if err != nil {
		return err
	}
	defer to.Close()
	got := make([]byte, size)
	for i := range n {
		text := fmt.Appendf(nil, "datagram %d ", i+1)
		text = append(text, bytes.Repeat([]byte("."), max(0, size-len(text)))...)
		if _, err := to.Write(text[:size]); err != nil {
			return err
		}
		if _, _, err := here.ReadFrom(got); err != nil {
			return err
		}
	}
	return nil
}
