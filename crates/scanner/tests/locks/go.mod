module example.com/app

go 1.22.0

toolchain go1.22.3

require (
	github.com/gin-gonic/gin v1.7.0
	golang.org/x/net v0.0.0-20210226172049-e18ecbb05110 // indirect
	github.com/docker/docker v20.10.7+incompatible
)

require golang.org/x/text v0.3.5 // indirect

replace (
	github.com/gin-gonic/gin => github.com/fork/gin v1.7.1
	golang.org/x/text v0.3.5 => ../text
)

exclude github.com/docker/docker v20.10.6+incompatible
nonsense here
