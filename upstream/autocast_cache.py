import torch

torch.manual_seed(0)
net, x = torch.nn.Linear(3, 1, bias=False), torch.ones(2, 3)
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
with torch.autocast("cpu", dtype=torch.bfloat16):
    net(x).sum().backward()
    optimizer.step()
    got = net(x).detach()
with torch.autocast("cpu", dtype=torch.bfloat16):
    right = net(x).detach()
print(torch.__version__, "got", got.tolist(), "right", right.tolist())
