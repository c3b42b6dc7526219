//go:build linux

package tools

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/skep-bpf/skep/internal/testkit"
)

// What a transfer sends to the server and what it gets; headers are below 1 KiB.
const upload, download = 1 << 20, 3 << 20

// tcpSession is a side of a TCP session, as tcplife has to see it.
type tcpSession struct {
	pid         int
	command     string
	ip          int
	laddr       string
	lport       int
	raddr       string
	rport       int
	txKB, rxKB  int
	atMost      time.Duration
	ofTheServer bool
}

// tcpServer is an HTTP server on a loopback address.
type tcpServer struct {
	ip     int
	addr   string
	port   int
	url    string
	closed chan struct{} // one for each connection
}

func serve(t *testing.T, network, addr string, ip int) *tcpServer {
	t.Helper()
	l, err := net.Listen(network, net.JoinHostPort(addr, "0"))
	if err != nil {
		t.Fatal(err)
	}
	s := &tcpServer{ip: ip, addr: addr, port: l.Addr().(*net.TCPAddr).Port, url: "http://" + l.Addr().String(), closed: make(chan struct{}, 1)}
	server := &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			_, _ = w.Write(make([]byte, download))
		}),
		ConnState: func(_ net.Conn, state http.ConnState) {
			if state == http.StateClosed {
				s.closed <- struct{}{}
			}
		},
	}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })
	return s
}

// fetchEnv makes the test binary a client of a server, whose URL it is.
const fetchEnv = "SKEP_TEST_FETCH"

// fetch is that client: it prints the port that it used.
func fetch(url string) (status int) {
	port := 0
	transport := &http.Transport{DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, addr)
		if err == nil {
			port = conn.LocalAddr().(*net.TCPAddr).Port
		}
		return conn, err
	}}
	resp, err := (&http.Client{Transport: transport}).Post(url, "application/octet-stream", bytes.NewReader(make([]byte, upload)))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	n, err := io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
	if err != nil || n != download {
		fmt.Fprintln(os.Stderr, n, "bytes:", err)
		return 1
	}
	transport.CloseIdleConnections()
	fmt.Print(port)
	return 0
}

// testClient is the test's own binary by a name that is too long for the columns.
func testClient(t *testing.T) func(*tcpServer) *exec.Cmd {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), "client-of-a-long-name")
	if err := os.Symlink(self, link); err != nil {
		t.Fatal(err)
	}
	return func(s *tcpServer) *exec.Cmd {
		cmd := exec.Command(link)
		cmd.Env = append(os.Environ(), fetchEnv+"="+s.url)
		return cmd
	}
}

// curl is the real one.
func curl(t *testing.T) func(*tcpServer) *exec.Cmd {
	body := filepath.Join(t.TempDir(), "body")
	if err := os.WriteFile(body, make([]byte, upload), 0o644); err != nil {
		t.Fatal(err)
	}
	return func(s *tcpServer) *exec.Cmd {
		return exec.Command("curl", "-s", "-H", "Expect:", "--data-binary", "@"+body, "-o", "/dev/null", "-w", "%{local_port}", s.url)
	}
}

// transfer runs a client and returns the session's two sides, when both have ended.
func transfer(t *testing.T, s *tcpServer, client *exec.Cmd) [2]tcpSession {
	t.Helper()
	began := time.Now()
	client.Stderr = os.Stderr
	out, err := client.Output()
	if err != nil {
		t.Fatalf("%v: %v", client.Args, err)
	}
	<-s.closed
	took := time.Since(began)
	port, err := strconv.Atoi(string(out))
	if err != nil {
		t.Fatal(err)
	}
	own, err := os.ReadFile("/proc/self/comm")
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Base(client.Path)
	return [2]tcpSession{
		{client.Process.Pid, name[:min(len(name), 15)], s.ip, s.addr, port, s.addr, s.port, upload >> 10, download >> 10, took, false},
		{os.Getpid(), strings.TrimSpace(string(own)), s.ip, s.addr, s.port, s.addr, port, download >> 10, upload >> 10, took, true},
	}
}

// tcpLayout is one of tcplife's three: the header, and a session's line without its
// time columns and the last one.
type tcpLayout struct {
	header string
	line   func(*tcpSession) string
}

var (
	narrow = tcpLayout{
		"PID   COMM       LADDR           LPORT RADDR           RPORT TX_KB RX_KB MS",
		func(s *tcpSession) string {
			return fmt.Sprintf("%-5d %-10.10s %-15s %-5d %-15s %-5d %5d %5d ", s.pid, s.command, s.laddr, s.lport, s.raddr, s.rport, s.txKB, s.rxKB)
		},
	}
	wide = tcpLayout{
		"PID   COMM             IP LADDR                                   LPORT RADDR                                   RPORT  TX_KB  RX_KB MS",
		func(s *tcpSession) string {
			return fmt.Sprintf("%-5d %-16s %-2d %-39s %-5d %-39s %-5d %6d %6d ", s.pid, s.command, s.ip, s.laddr, s.lport, s.raddr, s.rport, s.txKB, s.rxKB)
		},
	}
	csv = tcpLayout{
		"PID,COMM,IP,LADDR,LPORT,RADDR,RPORT,TX_KB,RX_KB,MS",
		func(s *tcpSession) string {
			return fmt.Sprintf("%d,%s,%d,%s,%d,%s,%d,%d,%d,", s.pid, s.command, s.ip, s.laddr, s.lport, s.raddr, s.rport, s.txKB, s.rxKB)
		},
	}
)

// check compares the lines that are of these servers with the sessions wanted.
func (l tcpLayout) check(t *testing.T, out, heads, times string, servers []*tcpServer, want []tcpSession) {
	t.Helper()
	lines := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
	testkit.Equal(t, "header", heads+l.header, lines[0])
	var got []string
	for _, line := range lines[1:] {
		if ofServers(line, servers) {
			got = append(got, line)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d lines, want %d:\n%s", len(got), len(want), out)
	}
	for _, s := range want {
		re := regexp.MustCompile("(?m)^" + times + regexp.QuoteMeta(l.line(&s)) + `([0-9]+\.[0-9]{2})$`)
		m := re.FindStringSubmatch(strings.Join(got, "\n"))
		if m == nil {
			t.Errorf("no line %s in:\n%s", re, out)
			continue
		}
		ms, _ := strconv.ParseFloat(m[len(m)-1], 64)
		if ms <= 0 || ms > float64(s.atMost)/1e6 {
			t.Errorf("a session of %s ms within %v", m[len(m)-1], s.atMost)
		}
	}
}

// ofServers reports whether a line is of one of the servers' sessions.
func ofServers(line string, servers []*tcpServer) bool {
	for _, s := range servers {
		if regexp.MustCompile(fmt.Sprintf(`[ ,]%d[ ,]`, s.port)).MatchString(line) {
			return true
		}
	}
	return false
}

// TestTcplife: each option, with sessions of both families whose sizes are known.
func TestTcplife(t *testing.T) {
	live(t)
	v4, v6 := serve(t, "tcp4", "127.0.0.1", 4), serve(t, "tcp6", "::1", 6)
	servers := []*tcpServer{v4, v6}
	client := testClient(t)
	const clock, stamp = `[0-9]{2}:[0-9]{2}:[0-9]{2}`, `[0-9]+\.[0-9]{6}`
	all := func(*tcpSession) bool { return true }
	local := func(ports ...*tcpServer) func(*tcpSession) bool {
		return func(s *tcpSession) bool {
			return s.lport == ports[0].port || s.lport == ports[len(ports)-1].port
		}
	}
	tests := []struct {
		args         string
		layout       tcpLayout
		heads, times string
		keep         func(*tcpSession) bool
	}{
		{"", narrow, "", "", all},
		{"-T", narrow, "TIME     ", clock + " ", all},
		{"-t", narrow, "TIME(s)   ", stamp + `  ?`, all},
		{"-T -t -w", wide, "TIME     TIME(s)   ", clock + " " + stamp + `  ?`, all},
		{"--wide", wide, "", "", all},
		{"-s", csv, "", "", all},
		{"-stT", csv, "TIME,TIME(s),", clock + "," + stamp + ",", all},
		{fmt.Sprint("-p ", os.Getpid()), narrow, "", "", func(s *tcpSession) bool { return s.ofTheServer }},
		{fmt.Sprint("-L ", v6.port), narrow, "", "", local(v6)},
		{fmt.Sprintf("--localport %d,%d", v4.port, v6.port), narrow, "", "", local(v4, v6)},
		{fmt.Sprint("-D ", v6.port), narrow, "", "", func(s *tcpSession) bool { return s.rport == v6.port }},
		{fmt.Sprintf("-D %d -L 1", v6.port), narrow, "", "", func(*tcpSession) bool { return false }},
		{"-4", narrow, "", "", func(s *tcpSession) bool { return s.ip == 4 }},
		{"-6 -s", csv, "", "", func(s *tcpSession) bool { return s.ip == 6 }},
	}
	for _, tt := range tests {
		t.Run(tt.args, func(t *testing.T) {
			s := start(t, append([]string{"tcplife"}, strings.Fields(tt.args)...)...)
			var want []tcpSession
			for _, server := range servers {
				for _, side := range transfer(t, server, client(server)) {
					if tt.keep(&side) {
						want = append(want, side)
					}
				}
			}
			s.await(&s.out, fmt.Sprintf("prints %d sessions", len(want)), func(out string) bool {
				n := 0
				for line := range strings.Lines(out) {
					if ofServers(line, servers) {
						n++
					}
				}
				return n >= len(want)
			})
			tt.layout.check(t, s.interrupt(), tt.heads, tt.times, servers, want)
		})
	}
}

// TestTcplifeCurl: what curl moves is what tcplife says.
func TestTcplifeCurl(t *testing.T) {
	live(t, testkit.Program("curl"))
	client := curl(t)
	servers := []*tcpServer{serve(t, "tcp4", "127.0.0.1", 4), serve(t, "tcp6", "::1", 6)}
	s := start(t, "tcplife")
	var want []tcpSession
	for _, server := range servers {
		sides := transfer(t, server, client(server))
		want = append(want, sides[:]...)
	}
	s.await(&s.out, "prints 4 sessions", func(out string) bool { return strings.Count(out, "127.0.0.1") >= 4 && strings.Count(out, "::1") >= 4 })
	narrow.check(t, s.interrupt(), "", "", servers, want)
}
