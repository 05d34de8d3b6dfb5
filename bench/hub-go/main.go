// A relay in the shape of gorilla/websocket's chat example: one hub goroutine that owns the rooms,
// a reading and a writing goroutine for each client, and a channel of messages to each.
//
// usage: hub-go PORT [CERTIFICATE KEY]
package main

import (
	"log"
	"net/http"
	"os"
	"time"

	"github.com/gorilla/websocket"
)

const (
	writeWait  = 10 * time.Second
	pongWait   = 60 * time.Second
	pingPeriod = pongWait * 9 / 10
	maxMessage = 64 * 1024
	queue      = 256
)

type message struct {
	from   *client
	opcode int
	data   []byte
}

type client struct {
	room string
	conn *websocket.Conn
	send chan message
}

type hub struct {
	rooms      map[string]map[*client]bool
	register   chan *client
	unregister chan *client
	broadcast  chan message
}

func (h *hub) remove(c *client) {
	room := h.rooms[c.room]
	if !room[c] {
		return
	}
	delete(room, c)
	close(c.send)
	if len(room) == 0 {
		delete(h.rooms, c.room)
	}
}

func (h *hub) publish(m message) {
	for c := range h.rooms[m.from.room] {
		if c == m.from {
			continue
		}
		select {
		case c.send <- m:
		default: // a slow client is cut off
			h.remove(c)
		}
	}
}

func (h *hub) run() {
	for {
		select {
		case c := <-h.register:
			if h.rooms[c.room] == nil {
				h.rooms[c.room] = make(map[*client]bool)
			}
			h.rooms[c.room][c] = true
		case c := <-h.unregister:
			h.remove(c)
		case m := <-h.broadcast:
			h.publish(m)
		}
	}
}

func (c *client) read(h *hub) {
	defer func() {
		h.unregister <- c
		c.conn.Close()
	}()
	c.conn.SetReadLimit(maxMessage)
	c.conn.SetReadDeadline(time.Now().Add(pongWait))
	c.conn.SetPongHandler(func(string) error {
		return c.conn.SetReadDeadline(time.Now().Add(pongWait))
	})
	for {
		opcode, data, err := c.conn.ReadMessage()
		if err != nil {
			return
		}
		h.broadcast <- message{c, opcode, data}
	}
}

func (c *client) write() {
	ticker := time.NewTicker(pingPeriod)
	defer func() {
		ticker.Stop()
		c.conn.Close()
	}()
	for {
		select {
		case m, open := <-c.send:
			c.conn.SetWriteDeadline(time.Now().Add(writeWait))
			if !open {
				c.conn.WriteMessage(websocket.CloseMessage, nil)
				return
			}
			if c.conn.WriteMessage(m.opcode, m.data) != nil {
				return
			}
		case <-ticker.C:
			c.conn.SetWriteDeadline(time.Now().Add(writeWait))
			if c.conn.WriteMessage(websocket.PingMessage, nil) != nil {
				return
			}
		}
	}
}

func main() {
	h := &hub{
		rooms:      make(map[string]map[*client]bool),
		register:   make(chan *client),
		unregister: make(chan *client),
		broadcast:  make(chan message),
	}
	upgrader := websocket.Upgrader{ReadBufferSize: 1024, WriteBufferSize: 1024}
	go h.run()
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		conn, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			log.Print(err)
			return
		}
		c := &client{r.URL.Query().Get("room"), conn, make(chan message, queue)}
		h.register <- c
		go c.write()
		go c.read(h)
	})
	address := "127.0.0.1:" + os.Args[1]
	if len(os.Args) > 3 {
		log.Fatal(http.ListenAndServeTLS(address, os.Args[2], os.Args[3], nil))
	}
	log.Fatal(http.ListenAndServe(address, nil))
}
