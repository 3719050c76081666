
Œ

shop.protoshop"0
Item
name (	Rname
count (Rcount"I
Quote
name (	Rname
cents (Rcents
caller (	Rcaller2s
Shop 
Price
.shop.Item.shop.Quote%
Haggle
.shop.Item.shop.Quote(0"
Restock
.shop.Item.shop.Quotebproto3