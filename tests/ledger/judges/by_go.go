// Lets the packages of Go's checksum database judge receipts, growths and logs of tiles.
//
// A list of {"key", "receipt"}, {"key", "old", "new", "path"} or {"key", "log"} comes in as
// JSON, and a list of what is wrong with each goes out; an empty text is none.
package main

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type theCase struct {
	Key     string
	Receipt string
	Old     string
	New     string
	Path    []string
	Log     string
}

func main() {
	var cases []theCase
	if err := json.NewDecoder(os.Stdin).Decode(&cases); err != nil {
		panic(err)
	}
	verdicts := []string{}
	for _, each := range cases {
		verdict := ""
		if err := judge(each); err != nil {
			verdict = err.Error()
		}
		verdicts = append(verdicts, verdict)
	}
	if err := json.NewEncoder(os.Stdout).Encode(verdicts); err != nil {
		panic(err)
	}
}

func judge(each theCase) error {
	verifier, err := note.NewVerifier(each.Key)
	if err != nil {
		return err
	}
	switch {
	case each.Receipt != "":
		return judgeReceipt(each.Receipt, verifier)
	case each.Log != "":
		return judgeLog(each.Log, verifier)
	default:
		return judgeGrowth(each, verifier)
	}
}

func judgeReceipt(text string, verifier note.Verifier) error {
	head, signed, found := strings.Cut(text, "\n\n")
	lines := strings.Split(head, "\n")
	if !found || len(lines) < 3 || lines[0] != "c2sp.org/tlog-proof@v1" {
		return errors.New("no receipt")
	}
	entry, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(lines[1], "extra "))
	if err != nil {
		return err
	}
	index, err := strconv.ParseInt(strings.TrimPrefix(lines[2], "index "), 10, 64)
	if err != nil {
		return err
	}
	path, err := hashes(lines[3:])
	if err != nil {
		return err
	}
	tree, err := opened(signed, verifier)
	if err != nil {
		return err
	}
	return tlog.CheckRecord(path, tree.N, tree.Hash, index, tlog.RecordHash(entry))
}

func judgeGrowth(each theCase, verifier note.Verifier) error {
	before, err := opened(each.Old, verifier)
	if err != nil {
		return err
	}
	after, err := opened(each.New, verifier)
	if err != nil {
		return err
	}
	path, err := hashes(each.Path)
	if err != nil {
		return err
	}
	return tlog.CheckTree(path, after.N, after.Hash, before.N, before.Hash)
}

// judgeLog makes the whole tree from the entries, and compares it with the signed root and
// every tile. It trusts no tile: tlog.TileHashReader did not look at all of them before
// golang.org/x/mod 0.40.0 (CVE-2026-56865).
func judgeLog(directory string, verifier note.Verifier) error {
	signed, err := os.ReadFile(filepath.Join(directory, "checkpoint"))
	if err != nil {
		return err
	}
	tree, err := opened(string(signed), verifier)
	if err != nil {
		return err
	}
	stored := storage{}
	for start := int64(0); start < tree.N; start += 256 {
		width := tree.N - start
		if width > 256 {
			width = 256
		}
		if err := stored.addBundle(directory, start, int(width)); err != nil {
			return err
		}
	}
	root, err := tlog.TreeHash(tree.N, &stored)
	if err != nil || root != tree.Hash {
		return fmt.Errorf("the entries make another root: %v", err)
	}
	tiles := tlog.NewTiles(8, 0, tree.N)
	for i, tile := range tiles {
		if i+1 < len(tiles) && tiles[i+1].L == tile.L && tiles[i+1].N == tile.N {
			continue // a tile of trees that were smaller; a log need not keep it
		}
		if err := judgeTile(directory, tile, &stored); err != nil {
			return err
		}
	}
	return nil
}

func judgeTile(directory string, tile tlog.Tile, stored *storage) error {
	path := strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
	read, err := os.ReadFile(filepath.Join(directory, path))
	if err != nil {
		return err
	}
	made, err := tlog.ReadTileData(tile, stored)
	if err != nil {
		return err
	}
	if !bytes.Equal(read, made) {
		return fmt.Errorf("%s is another", path)
	}
	return nil
}

// storage holds every hash of a tree in the order in which Go stores them.
type storage []tlog.Hash

func (s *storage) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	read := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		read[i] = (*s)[index]
	}
	return read, nil
}

func (s *storage) addBundle(directory string, start int64, width int) error {
	tile := tlog.Tile{H: 8, L: -1, N: start / 256, W: width}
	path := strings.Replace(tile.Path(), "tile/8/data/", "tile/entries/", 1)
	bundle, err := os.ReadFile(filepath.Join(directory, path))
	if err != nil {
		return err
	}
	for i := 0; i < width; i++ {
		if len(bundle) < 2 || len(bundle) < 2+int(binary.BigEndian.Uint16(bundle)) {
			return fmt.Errorf("%s is short", path)
		}
		end := 2 + int(binary.BigEndian.Uint16(bundle))
		made, err := tlog.StoredHashes(start+int64(i), bundle[2:end], s)
		if err != nil {
			return err
		}
		*s = append(*s, made...)
		bundle = bundle[end:]
	}
	if len(bundle) > 0 {
		return fmt.Errorf("%s is long", path)
	}
	return nil
}

func opened(signed string, verifier note.Verifier) (tlog.Tree, error) {
	said, err := note.Open([]byte(signed), note.VerifierList(verifier))
	if err != nil {
		return tlog.Tree{}, err
	}
	lines := strings.Split(said.Text, "\n")
	if len(lines) != 4 || lines[0] != verifier.Name() {
		return tlog.Tree{}, errors.New("no checkpoint of this log")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return tlog.Tree{}, err
	}
	root, err := tlog.ParseHash(lines[2])
	return tlog.Tree{N: size, Hash: root}, err
}

func hashes(lines []string) ([]tlog.Hash, error) {
	found := []tlog.Hash{}
	for _, line := range lines {
		hash, err := tlog.ParseHash(line)
		if err != nil {
			return nil, err
		}
		found = append(found, hash)
	}
	return found, nil
}
