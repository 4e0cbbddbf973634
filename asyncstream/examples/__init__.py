"""Applications to copy. They import what every user of the package can import, and nothing here imports them."""
