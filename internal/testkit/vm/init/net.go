//go:build linux

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/skep-bpf/skep/internal/testkit/vm/guest"
)

// setNetwork brings the loopback up and makes a second network namespace, with a pair of
// Ethernet devices between them.
func setNetwork() error {
	if err := up("lo", ""); err != nil {
		return err
	}
	if err := makeNamespace(); err != nil {
		return fmt.Errorf("make network namespace: %w", err)
	}
	other, err := os.Open(guest.NetnsFile)
	if err != nil {
		return err
	}
	defer other.Close()
	attrs := netlink.NewLinkAttrs()
	attrs.Name = guest.NearDev
	pair := &netlink.Veth{LinkAttrs: attrs, PeerName: guest.FarDev, PeerNamespace: netlink.NsFd(other.Fd())}
	if err := netlink.LinkAdd(pair); err != nil {
		return fmt.Errorf("make %s and %s: %w", guest.NearDev, guest.FarDev, err)
	}
	if err := up(guest.NearDev, guest.NearAddr); err != nil {
		return err
	}
	return within(other, func() error {
		if err := up("lo", ""); err != nil {
			return err
		}
		return up(guest.FarDev, guest.FarAddr)
	})
}

// up gives a device of this thread's namespace an address, if any, and brings it up.
func up(name, addr string) error {
	dev, err := netlink.LinkByName(name)
	if err != nil {
		return fmt.Errorf("find %s: %w", name, err)
	}
	if addr != "" {
		a, err := netlink.ParseAddr(addr)
		if err != nil {
			return err
		}
		if err := netlink.AddrAdd(dev, a); err != nil {
			return fmt.Errorf("give %s its address: %w", name, err)
		}
	}
	if err := netlink.LinkSetUp(dev); err != nil {
		return fmt.Errorf("bring %s up: %w", name, err)
	}
	return nil
}

// ownNamespace leads to the network namespace of the calling thread.
const ownNamespace = "/proc/thread-self/ns/net"

// makeNamespace makes a network namespace that a file keeps alive.
func makeNamespace() error {
	if err := os.MkdirAll(filepath.Dir(guest.NetnsFile), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(guest.NetnsFile, nil, 0o444); err != nil {
		return err
	}
	first, err := os.Open(ownNamespace)
	if err != nil {
		return err
	}
	defer first.Close()
	return within(first, func() error {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return err
		}
		return unix.Mount(ownNamespace, guest.NetnsFile, "", unix.MS_BIND, "")
	})
}

// within calls f on a thread of its own that is in a network namespace, which nobody uses
// afterwards.
func within(namespace *os.File, f func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with this goroutine
		err := unix.Setns(int(namespace.Fd()), unix.CLONE_NEWNET)
		if err == nil {
			err = f()
		}
		done <- err
	}()
	return <-done
}
