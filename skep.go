// Package skep is the root of the skep project; the program is in cmd/skep.
package skep
